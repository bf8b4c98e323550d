//! The documents claim nothing that is not so.

mod readme;
mod security;
