//! Envoy's way in: the contexts and callbacks of the proxy-wasm SDK.
//!
//! Envoy invokes every exported callback, and the SDK defines all 25: about 0.5 µs each and
//! request. `exports.txt` lists those that do something, and the release build links only these.

use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType};

use crate::config::Config;
use crate::delivery_state::FAST_PATH;
use crate::filter::connection::PEER_CERTIFICATE;
use crate::filter::{self, Plugin, Request, warnings};
use crate::hostcalls::abi::{self, Envoy};
use crate::hostcalls::{Hostcalls, Level};

proxy_wasm::main! {{
    // The SDK's own hook comes with its logger, and panics again where Envoy refuses the line.
    std::panic::set_hook(Box::new(|panic| Envoy.log(Level::Error, &panic.to_string())));
    proxy_wasm::set_root_context(|_| Box::new(Root { plugin: None }));
}}

/// The filter in one worker, under one configuration.
struct Root {
    /// `None` until the configuration is accepted.
    plugin: Option<Rc<Plugin>>,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _size: usize) -> bool {
        match configured_plugin() {
            Ok(plugin) => {
                self.plugin = Some(Rc::new(plugin));
                true
            }
            Err(reason) => {
                Envoy.log(Level::Error, &reason);
                false
            }
        }
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _id: u32) -> Option<Box<dyn HttpContext>> {
        let request = self.plugin.clone().map(Request::new);
        Some(Box::new(Stream { request }))
    }
}

fn configured_plugin() -> Result<Plugin, String> {
    let json = abi::plugin_configuration().ok_or("Envoy gives no plugin configuration")?;
    let config = Config::from_json(&json).map_err(|error| error.to_string())?;
    let root_id = Envoy.property("plugin_root_id");
    let plugin = Plugin {
        fast_path: root_id.is_some_and(|id| id == FAST_PATH.as_bytes()),
        ..Plugin::new(config)
    };
    declare_connection_properties(&plugin)?;
    warnings::loaded(&Envoy, &plugin.config, json.is_empty());
    Ok(plugin)
}

/// Tells Envoy which properties live as long as the connection; others end with their request.
fn declare_connection_properties(plugin: &Plugin) -> Result<(), String> {
    let settings = plugin.config.settings.iter();
    let states = settings
        .filter(|setting| setting.forwards_once())
        .flat_map(|setting| {
            let matched = plugin
                .fast_path
                .then_some(&*setting.delivery.matched_property);
            std::iter::once(&*setting.delivery.property).chain(matched)
        });
    let refused = std::iter::once(PEER_CERTIFICATE)
        .chain(states)
        .find(|name| !abi::declare_connection_property(name));
    refused.map_or(Ok(()), |name| {
        Err(format!(
            "Envoy's declare_property refused {name:?}: the connection's memory can't be kept"
        ))
    })
}

/// One HTTP request with its response.
struct Stream {
    /// `None` where no configuration was accepted; Envoy makes no such request.
    request: Option<Request>,
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        let Some(request) = &mut self.request else {
            filter::refuse_unreadable(&Envoy);
            return Action::Pause;
        };
        action(request.on_request_headers(&Envoy))
    }

    fn on_http_request_trailers(&mut self, _count: usize) -> Action {
        self.request.as_mut().map_or(Action::Continue, |request| {
            action(request.on_request_trailers(&Envoy))
        })
    }

    fn on_http_response_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        if let Some(request) = &mut self.request {
            request.on_response_headers(&Envoy);
        }
        Action::Continue
    }
}

/// The SDK drops a context in `proxy_on_delete`, while its stream's properties are still readable.
impl Drop for Stream {
    fn drop(&mut self) {
        if let Some(request) = &mut self.request {
            request.on_delete(&Envoy);
        }
    }
}

fn action(action: filter::Action) -> Action {
    match action {
        filter::Action::Continue => Action::Continue,
        filter::Action::Stop => Action::Pause,
    }
}
