//! The CRLs that the base configuration names: reads them, keeps the last good ones, and tells what
//! is known of each.

mod reading;
mod status;
mod watched;

pub(crate) use status::CrlStatus;
pub(crate) use watched::Crls;
