//! Ways to name the protected hostname so that the filter might not recognise it (contract §4.7):
//! none reaches the origin without a certificate.

mod admitted;
mod fields;
mod http1;
mod other_headers;
mod spellings;
