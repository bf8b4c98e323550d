//! Envoy as the host: the hostcalls of proxy-wasm's ABI 0.2.1.
//!
//! They are declared here because the SDK's wrappers panic on statuses that they do not expect and
//! on header names that are not UTF-8, and because its `Status` lacks five of the ABI's thirteen
//! statuses: a host that returns one of those is undefined behaviour. This is the only file with
//! `unsafe` blocks.
#![allow(unsafe_code)]

use std::ptr::{null, null_mut};

use proxy_wasm::types::{BufferType, LogLevel, MapType, MetricType};

use super::{Hostcalls, Level, LocalReply, Map};
use crate::headers::map::serialize;

/// The host. Its calls act on the request that Envoy is making a callback for.
pub(crate) struct Envoy;

impl Hostcalls for Envoy {
    fn headers(&self, map: Map) -> Option<Vec<u8>> {
        // SAFETY: the host writes the address and length of memory that it got from this module's
        // allocator.
        returned(|data, size| unsafe { proxy_get_header_map_pairs(map_type(map), data, size) })
    }

    fn header(&self, map: Map, name: &str) -> Option<Vec<u8>> {
        // SAFETY: the host reads the name during the call, and returns memory from this module's
        // allocator.
        returned(|data, size| unsafe {
            proxy_get_header_map_value(map_type(map), name.as_ptr(), name.len(), data, size)
        })
    }

    fn add_header(&self, map: Map, name: &str, value: &[u8]) -> bool {
        // SAFETY: the host only reads the two slices, during the call.
        let status = unsafe {
            proxy_add_header_map_value(
                map_type(map),
                name.as_ptr(),
                name.len(),
                value.as_ptr(),
                value.len(),
            )
        };
        is_ok(status)
    }

    fn set_header(&self, map: Map, name: &str, value: &[u8]) -> bool {
        // SAFETY: as in `add_header`.
        let status = unsafe {
            proxy_replace_header_map_value(
                map_type(map),
                name.as_ptr(),
                name.len(),
                value.as_ptr(),
                value.len(),
            )
        };
        is_ok(status)
    }

    fn remove_header(&self, map: Map, name: &[u8]) -> bool {
        // SAFETY: the host only reads the slice, during the call.
        is_ok(unsafe { proxy_remove_header_map_value(map_type(map), name.as_ptr(), name.len()) })
    }

    fn property(&self, path: &str) -> Option<Vec<u8>> {
        // SAFETY: the host reads the path during the call, and returns memory from this module's
        // allocator.
        returned(|data, size| unsafe { proxy_get_property(path.as_ptr(), path.len(), data, size) })
    }

    fn set_connection_property(&self, name: &str, value: &[u8]) -> bool {
        // SAFETY: the host only reads the two slices, during the call.
        is_ok(unsafe { proxy_set_property(name.as_ptr(), name.len(), value.as_ptr(), value.len()) })
    }

    fn reply(&self, reply: &LocalReply) -> bool {
        let headers = serialize(&[(b"content-type", b"text/plain")]);
        // SAFETY: the host only reads the three slices, during the call. A gRPC status of -1 leaves
        // it to Envoy to make one of the HTTP status.
        is_ok(unsafe {
            proxy_send_local_response(
                u32::from(reply.status),
                reply.details.as_ptr(),
                reply.details.len(),
                reply.body.as_ptr(),
                reply.body.len(),
                headers.as_ptr(),
                headers.len(),
                -1,
            )
        })
    }

    fn define_counter(&self, name: &str) -> Option<u32> {
        let mut id = 0;
        // SAFETY: the host reads the name and writes the id, during the call.
        is_ok(unsafe {
            proxy_define_metric(MetricType::Counter, name.as_ptr(), name.len(), &mut id)
        })
        .then_some(id)
    }

    fn increment_counter(&self, id: u32) {
        // SAFETY: no memory is shared; an unknown id only gives a bad status.
        unsafe { proxy_increment_metric(id, 1) };
    }

    fn log(&self, level: Level, message: &str) {
        let level = match level {
            Level::Info => LogLevel::Info,
            Level::Warn => LogLevel::Warn,
            Level::Error => LogLevel::Error,
        };
        // SAFETY: the host only reads the message, during the call.
        unsafe { proxy_log(level, message.as_ptr(), message.len()) };
    }

    fn first_in_process(&self, key: &str) -> bool {
        // Shared data that does not exist yet is made whatever version is asked for; what exists
        // never has this one.
        const NO_SUCH_VERSION: u32 = u32::MAX;
        // SAFETY: the host only reads the key, during the call; the value is empty.
        is_ok(unsafe { proxy_set_shared_data(key.as_ptr(), key.len(), null(), 0, NO_SUCH_VERSION) })
    }
}

/// Makes later `proxy_set_property(name)` calls store bytes with the downstream connection: Envoy's
/// foreign function `declare_property` with the protobuf
/// `envoy.source.extensions.common.wasm.DeclarePropertyArguments`.
pub(crate) fn declare_connection_property(name: &str) -> bool {
    const FUNCTION: &str = "declare_property";
    const NAME: u8 = 1 << 3 | 2;
    const SPAN: u8 = 5 << 3;
    const DOWNSTREAM_CONNECTION: u8 = 2;
    let mut arguments = vec![NAME, u8::try_from(name.len()).unwrap_or(0)];
    arguments.extend_from_slice(name.as_bytes());
    arguments.extend([SPAN, DOWNSTREAM_CONNECTION]);
    // SAFETY: the host reads the name and the arguments, and returns memory from this module's
    // allocator, if any.
    returned(|data, size| unsafe {
        proxy_call_foreign_function(
            FUNCTION.as_ptr(),
            FUNCTION.len(),
            arguments.as_ptr(),
            arguments.len(),
            data,
            size,
        )
    })
    .is_some()
}

/// The bytes that the root context is being configured with.
pub(crate) fn plugin_configuration() -> Option<Vec<u8>> {
    // SAFETY: the host returns memory from this module's allocator.
    returned(|data, size| unsafe {
        proxy_get_buffer_bytes(BufferType::PluginConfiguration, 0, usize::MAX, data, size)
    })
}

/// Takes over what a call returned, if its status is Ok.
fn returned(call: impl FnOnce(*mut *mut u8, *mut usize) -> u32) -> Option<Vec<u8>> {
    let mut data = null_mut();
    let mut size = 0;
    if !is_ok(call(&mut data, &mut size)) {
        return None;
    }
    if data.is_null() {
        return Some(Vec::new());
    }
    // SAFETY: the host got `data` from the SDK's `malloc`, which gives up a boxed slice of `size`
    // bytes, and keeps no claim to it.
    Some(unsafe { Vec::from_raw_parts(data, size, size) })
}

const OK: u32 = 0;

fn is_ok(status: u32) -> bool {
    status == OK
}

fn map_type(map: Map) -> MapType {
    match map {
        Map::RequestHeaders => MapType::HttpRequestHeaders,
        Map::RequestTrailers => MapType::HttpRequestTrailers,
        Map::ResponseHeaders => MapType::HttpResponseHeaders,
    }
}

// Each returns a status, of which only 0 is a success.
unsafe extern "C" {
    fn proxy_log(level: LogLevel, message: *const u8, size: usize) -> u32;
    fn proxy_get_buffer_bytes(
        buffer: BufferType,
        start: usize,
        max_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_get_header_map_pairs(map: MapType, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_get_header_map_value(
        map: MapType,
        name: *const u8,
        name_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_add_header_map_value(
        map: MapType,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_replace_header_map_value(
        map: MapType,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_remove_header_map_value(map: MapType, name: *const u8, name_size: usize) -> u32;
    fn proxy_get_property(
        path: *const u8,
        path_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_set_property(
        path: *const u8,
        path_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_set_shared_data(
        key: *const u8,
        key_size: usize,
        value: *const u8,
        value_size: usize,
        cas: u32,
    ) -> u32;
    fn proxy_define_metric(
        kind: MetricType,
        name: *const u8,
        name_size: usize,
        id: *mut u32,
    ) -> u32;
    fn proxy_increment_metric(id: u32, offset: i64) -> u32;
    fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> u32;
    fn proxy_call_foreign_function(
        name: *const u8,
        name_size: usize,
        arguments: *const u8,
        arguments_size: usize,
        results: *mut *mut u8,
        results_size: *mut usize,
    ) -> u32;
}
