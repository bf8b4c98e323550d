//! No client can speak for the filter (contract §4.1).

mod generated;
mod spellings;
