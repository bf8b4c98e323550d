//! Support of the filter's tests and the demo: a real Envoy, an origin that records its requests,
//! clients of every protocol, and a PKI. Everything listens on loopback with ephemeral ports and
//! stops when its value is dropped.
//!
//! ```no_run
//! # async fn example() {
//! use serde_json::json;
//! use support::{Envoy, Protocol, pki};
//!
//! let settings = json!({
//!     "settings": [{ "hostname": "api.example.com", "client_certificate_forwarding": true }]
//! });
//! let scene = Envoy::with_filter(settings).every_mtls_protocol().scene().await;
//! let client = scene.connect(Protocol::Http2).await;
//! client.get("api.example.com", "/").await;
//! let sha256 = pki().client.sha256();
//! let request = scene.origin.only_request();
//! assert_eq!(request.header("cf-client-cert-sha256"), Some(sha256.as_str()));
//! # }
//! ```

pub mod aborted;
pub mod bootstrap;
pub mod client;
pub mod connector;
pub mod deployment;
pub mod der;
pub mod envoy;
pub mod example;
mod field_encoding;
pub mod fields;
pub mod listener;
pub mod message;
mod metadata;
pub mod metrics;
pub mod origin;
pub mod pki;
pub mod random;
pub mod raw;
pub mod scene;
pub mod settings_api;
mod table;
pub mod trapping_module;
pub mod version;
pub mod vm_memory;
pub mod wasm;

pub use client::{Client, PROTOCOLS, Protocol, mtls_protocols};
pub use deployment::Deployment;
pub use envoy::{Envoy, Update};
pub use example::Installation;
pub use listener::{Listener, Tls};
pub use message::{Headers, Request, Response};
pub use origin::{Answer, Origin};
pub use pki::{Identity, pki};
pub use scene::Scene;
pub use table::table;
pub use trapping_module::TRAP_FIELDS;
pub use version::{Version, envoy_version};
pub use wasm::wasm_module;
