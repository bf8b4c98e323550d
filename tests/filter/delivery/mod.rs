//! A certificate counts as delivered once the origin has answered (contract §4.5).

mod answers;
mod model;
mod parsers;
mod tunnels;
