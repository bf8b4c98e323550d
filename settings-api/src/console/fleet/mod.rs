//! The fleet: each Envoy and its answer to the version in force.

mod chart;
mod list;
mod status;

pub(super) use list::list;
