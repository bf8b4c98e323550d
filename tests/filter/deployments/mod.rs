//! The configurations that users copy: `envoy/`, its recipes and its Kubernetes resources.

mod examples;
mod kubernetes;
mod nginx;
mod optional_mtls;
mod recipes;
