//! Tests of the crate's public functions, on CRLs made by hand, by OpenSSL and by NIST.

// A test that panics has failed, which is what it should do.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used
)]

mod authorities;
mod dates;
mod encodings;
mod kinds;
mod mutations;
mod openssl;
mod pkits;
mod size;
mod support;
