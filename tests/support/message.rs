//! Requests and responses as tests see them: header names and values as bytes, in order.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

/// Header or trailer fields: lower-cased names, values as they came.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(pub Vec<(String, Vec<u8>)>);

impl Headers {
    /// The first value of that name.
    ///
    /// # Panics
    /// When the value is not UTF-8; [`Headers::all`] has the bytes.
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(candidate, _)| candidate == name)?;
        Some(std::str::from_utf8(value).expect("a header value in UTF-8"))
    }

    /// Every value of that name.
    pub fn all(&self, name: &str) -> Vec<&[u8]> {
        self.0
            .iter()
            .filter(|(candidate, _)| candidate == name)
            .map(|(_, value)| value.as_slice())
            .collect()
    }

    /// Every name, in order.
    pub fn names(&self) -> Vec<&str> {
        self.0.iter().map(|(name, _)| name.as_str()).collect()
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let readable = self
            .0
            .iter()
            .map(|(name, value)| (name, value.escape_ascii().to_string()));
        formatter.debug_map().entries(readable).finish()
    }
}

impl From<&HeaderMap> for Headers {
    fn from(map: &HeaderMap) -> Headers {
        Headers(
            map.iter()
                .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
                .collect(),
        )
    }
}

/// A request to send. Names are sent in lower case; [`crate::raw`] sends any bytes.
#[derive(Clone, Debug)]
pub struct Request {
    pub(crate) method: Method,
    pub(crate) authority: String,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) trailers: HeaderMap,
}

impl Request {
    /// A GET of that path on that authority, whatever name the connection was opened for.
    pub fn get(authority: &str, path: &str) -> Request {
        Request {
            method: Method::GET,
            authority: authority.to_owned(),
            path: path.to_owned(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            trailers: HeaderMap::new(),
        }
    }

    /// A POST of that body.
    pub fn post(authority: &str, path: &str, body: impl Into<Bytes>) -> Request {
        Request {
            method: Method::POST,
            body: body.into(),
            ..Request::get(authority, path)
        }
    }

    /// Adds a header field; the same name again adds another field.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Request {
        append(&mut self.headers, name, value.as_ref());
        self
    }

    /// Adds a trailer field.
    pub fn trailer(mut self, name: &str, value: impl AsRef<[u8]>) -> Request {
        append(&mut self.trailers, name, value.as_ref());
        self
    }
}

/// A complete response.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The header fields.
    pub headers: Headers,
    /// The body.
    pub body: Bytes,
    /// The trailer fields.
    pub trailers: Headers,
}

impl Response {
    /// The first value of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.header(name)
    }
}

fn append(map: &mut HeaderMap, name: &str, value: &[u8]) {
    let name = HeaderName::from_bytes(name.as_bytes())
        .unwrap_or_else(|_| panic!("{name:?} is no header name"));
    let value =
        HeaderValue::from_bytes(value).unwrap_or_else(|_| panic!("{value:?} is no header value"));
    map.append(name, value);
}
