//! The fleet: each Envoy and its answer to the version in force.

mod chart;
mod list;

pub(super) use list::list;
