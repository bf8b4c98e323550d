//! A request as the origin received it.

use std::time::Instant;

use bytes::Bytes;
use hyper::Version;

use crate::message::Headers;

/// One request as the origin received it.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// When its head arrived.
    pub arrived: Instant,
    /// When the origin began to answer, which is before anybody saw the answer; `None` until then.
    pub answered: Option<Instant>,
    /// The method.
    pub method: String,
    /// `:authority`, or `Host` in HTTP/1.1.
    pub authority: String,
    /// Path and query.
    pub path: String,
    /// The protocol that Envoy spoke to the origin.
    pub version: Version,
    /// The header fields.
    pub headers: Headers,
    /// The body, as far as the origin read it.
    pub body: Bytes,
    /// The trailer fields, as far as the origin read them.
    pub trailers: Headers,
}

impl Recorded {
    /// The first value of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.header(name)
    }
}

impl Default for Recorded {
    /// A request that arrives now, with nothing in it.
    fn default() -> Recorded {
        Recorded {
            arrived: Instant::now(),
            answered: None,
            method: String::new(),
            authority: String::new(),
            path: String::new(),
            version: Version::HTTP_11,
            headers: Headers::default(),
            body: Bytes::new(),
            trailers: Headers::default(),
        }
    }
}
