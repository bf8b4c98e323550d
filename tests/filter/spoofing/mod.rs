//! No client can speak for the filter (contract §4.1).

mod caddy;
mod connection_header;
mod generated;
mod spellings;
