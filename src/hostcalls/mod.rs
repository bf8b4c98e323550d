//! The seam between the filter and Envoy: the calls that the filter makes. [`abi`] makes them.

#[cfg(target_arch = "wasm32")]
pub(crate) mod abi;
#[cfg(test)]
pub(crate) mod mock;

/// The header maps of a request that the filter reads or changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Map {
    /// The client's headers, pseudo-headers included.
    RequestHeaders,
    /// The client's trailers.
    RequestTrailers,
    /// The headers that the client will get.
    ResponseHeaders,
}

/// Where a log line goes in Envoy's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// News of normal operation.
    Info,
    /// Something that an operator should look at.
    Warn,
    /// Something that does not work.
    Error,
}

/// An answer that the filter gives in the origin's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LocalReply {
    /// HTTP status; Envoy makes a gRPC status of it for gRPC requests.
    pub(crate) status: u16,
    /// The access log's `%RESPONSE_CODE_DETAILS%`.
    pub(crate) details: &'static str,
    /// One line of plain text.
    pub(crate) body: &'static str,
}

/// Envoy's side of the ABI. A call that fails returns `None` or `false` and changes nothing.
pub(crate) trait Hostcalls {
    /// Returns the whole map, serialised as [`crate::headers::map::HeaderMap`] reads it.
    fn headers(&self, map: Map) -> Option<Vec<u8>>;
    /// Returns the first value of a header of that (lower-case) name; `None` where there is none.
    fn header(&self, map: Map, name: &str) -> Option<Vec<u8>>;
    /// Adds a header behind those of the same name.
    fn add_header(&self, map: Map, name: &str, value: &[u8]) -> bool;
    /// Makes `value` the only one of that name.
    fn set_header(&self, map: Map, name: &str, value: &[u8]) -> bool;
    /// Removes every header of exactly that (lower-case) name.
    fn remove_header(&self, map: Map, name: &[u8]) -> bool;
    /// Returns an Envoy attribute, the parts of its path joined by NUL as in the ABI, or a
    /// connection property set before.
    fn property(&self, path: &str) -> Option<Vec<u8>>;
    /// Stores `value` with the downstream connection.
    fn set_connection_property(&self, name: &str, value: &[u8]) -> bool;
    /// Answers the request; it goes no further.
    fn reply(&self, reply: &LocalReply) -> bool;
    /// Returns the id of the counter of that name, defining it if needed.
    fn define_counter(&self, name: &str) -> Option<u32>;
    /// Adds one to a counter.
    fn increment_counter(&self, id: u32);
    /// Writes a line to Envoy's log.
    fn log(&self, level: Level, message: &str);
    /// Whether this is the first call with `key` in any of the process's workers.
    fn first_in_process(&self, key: &str) -> bool;
}
