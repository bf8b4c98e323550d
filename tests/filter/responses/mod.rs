//! The filter's headers on responses (contract §4.9).

mod explain;
mod response_headers;
