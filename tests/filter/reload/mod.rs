//! Configuration updates under open connections (contract §3, §4.5).

mod under_load;
mod updates;
