//! The hostnames of settings: patterns, and the table that finds the most specific (contract §3).

mod name;
mod pattern;
mod slip;
mod table;

pub use name::canonical_address;
pub(crate) use name::dns_name;
pub use pattern::HostnamePattern;
pub use table::HostnameTable;
