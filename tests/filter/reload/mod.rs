//! Configuration updates under open connections (contract §3, §4.5).

mod growth;
mod modes_under_load;
mod under_load;
mod updates;
