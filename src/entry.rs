//! The callbacks that Envoy makes, and the contexts that it makes them for: proxy-wasm's ABI 0.2.1 from the module's side.
//!
//! Envoy makes each callback that a module exports, so what does nothing is not exported: about 0.5 µs a request for each. The SDK exports
//! them all, keeps several hash tables and a boxed context for each request, and panics at each number that it doesn't know. Without it a
//! request of the steady state costs 0.7 µs less (of 9), and the module is a sixth smaller.
#![allow(unsafe_code)] // for `no_mangle` alone: each name is in the module once

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::rc::Rc;

use super::abi::{self, Envoy};
use super::{Hostcalls, Level};
use crate::config::Config;
use crate::connection::CERTIFICATE;
use crate::delivery_state::FAST_PATH;
use crate::enforcement;
use crate::filter::{Action, Plugin, Request};
use crate::warnings;

thread_local! {
    static CONTEXTS: RefCell<Contexts> = const { RefCell::new(Contexts::new()) };
}

/// One worker's contexts, by the numbers that Envoy gave them.
struct Contexts {
    /// Root contexts: the filter under one configuration each.
    plugins: HashMap<u32, Rc<Plugin>, ByNumber>,
    /// HTTP contexts.
    requests: HashMap<u32, Request, ByNumber>,
}

impl Contexts {
    const fn new() -> Self {
        Self {
            plugins: HashMap::with_hasher(ByNumber::new()),
            requests: HashMap::with_hasher(ByNumber::new()),
        }
    }
}

#[unsafe(no_mangle)]
extern "C" fn proxy_abi_version_0_2_1() {}

#[unsafe(no_mangle)]
extern "C" fn _initialize() {
    std::panic::set_hook(Box::new(|panic| {
        Envoy.log(Level::Error, &panic.to_string());
    }));
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_vm_start(_root: u32, _configuration_size: usize) -> bool {
    true
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_configure(root: u32, _configuration_size: usize) -> bool {
    let json = abi::plugin_configuration();
    let config = match Config::from_json(&json) {
        Ok(config) => config,
        Err(error) => return refuse(&error.to_string()),
    };
    let root_id = Envoy.property("plugin_root_id");
    let plugin = Rc::new(Plugin {
        fast_path: root_id.is_some_and(|id| id == FAST_PATH.as_bytes()),
        ..Plugin::new(config)
    });
    if let Err(reason) = declare_connection_properties(&plugin) {
        return refuse(&reason);
    }
    warnings::loaded(&Envoy, &plugin.config, json.is_empty());
    CONTEXTS.with_borrow_mut(|contexts| contexts.plugins.insert(root, plugin));
    true
}

/// Tells Envoy which properties are the connection's. What is set without that lives no longer than its request.
fn declare_connection_properties(plugin: &Plugin) -> Result<(), String> {
    let settings = plugin.config.settings.iter();
    let marks = settings
        .filter(|setting| setting.forwards_once())
        .flat_map(|setting| {
            let matched = plugin
                .fast_path
                .then_some(&*setting.delivery.matched_property);
            std::iter::once(&*setting.delivery.property).chain(matched)
        });
    let refused = std::iter::once(CERTIFICATE)
        .chain(marks)
        .find(|name| !abi::declare_connection_property(name));
    refused.map_or(Ok(()), |name| {
        Err(format!(
            "Envoy's declare_property refused {name:?}: the connection's memory can't be kept"
        ))
    })
}

fn refuse(reason: &str) -> bool {
    Envoy.log(Level::Error, reason);
    false
}

/// Root contexts, whose parent is 0, come to life when they are configured.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_context_create(context: u32, parent: u32) {
    CONTEXTS.with_borrow_mut(|contexts| {
        if let Some(plugin) = contexts.plugins.get(&parent) {
            let request = Request::new(Rc::clone(plugin));
            contexts.requests.insert(context, request);
        }
    });
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_headers(context: u32, _headers: usize, _end: bool) -> u32 {
    with_request(context, |request| request.on_request_headers(&Envoy)).unwrap_or_else(|| {
        // Envoy makes no request before a configuration was taken; should it, the request is refused.
        Envoy.reply(&enforcement::unreadable_headers());
        PAUSE
    })
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_trailers(context: u32, _trailers: usize) -> u32 {
    with_request(context, |request| request.on_request_trailers(&Envoy)).unwrap_or(CONTINUE)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_response_headers(context: u32, _headers: usize, _end: bool) -> u32 {
    with_request(context, |request| {
        request.on_response_headers(&Envoy);
        Action::Continue
    })
    .unwrap_or(CONTINUE)
}

/// The stream is over, or the worker has a newer configuration.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_delete(context: u32) {
    let request = CONTEXTS.with_borrow_mut(|contexts| {
        contexts.plugins.remove(&context);
        contexts.requests.remove(&context)
    });
    if let Some(mut request) = request {
        request.on_delete(&Envoy);
    }
}

const CONTINUE: u32 = 0;
const PAUSE: u32 = 1;

fn with_request(context: u32, callback: impl FnOnce(&mut Request) -> Action) -> Option<u32> {
    CONTEXTS.with_borrow_mut(|contexts| {
        contexts
            .requests
            .get_mut(&context)
            .map(|request| match callback(request) {
                Action::Continue => CONTINUE,
                Action::Stop => PAUSE,
            })
    })
}

/// Envoy counts its contexts up from 1, so nobody can choose numbers that collide: a multiplication is hash enough.
type ByNumber = BuildHasherDefault<NumberHasher>;

#[derive(Default)]
struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        // 2^64 divided by the golden ratio: neighbours end up far from each other.
        self.0 = (self.0 ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
