//! The documents claim nothing that is not so.

mod pages;
mod security;
