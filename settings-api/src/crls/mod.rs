//! The CRLs that the base configuration names: reading them, keeping the last good ones, and what is
//! known of each.

mod reading;
mod status;
mod watched;

pub(crate) use status::CrlStatus;
pub(crate) use watched::Crls;
