//! Header maps as Envoy passes them, header names, and the names that only the filter may set.

pub mod managed;
pub mod map;
pub mod names;
