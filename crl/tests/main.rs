//! Tests of the crate's public functions, on CRLs made by hand, by OpenSSL and by NIST.

mod authorities;
mod dates;
mod encodings;
mod kinds;
mod mutations;
mod openssl;
mod pkits;
mod size;
mod support;
