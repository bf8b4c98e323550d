//! How a resource's filter is deployed (contract §6).

use client_cert_forwarder::config::ConfigError;
use client_cert_forwarder::fast_path::FastPath;
use serde::Deserialize;
use serde_json::Value;

/// The most hostnames that a warning names.
const MOST_NAMED: usize = 5;

/// The `deployment` of a resource in the base configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Deployment {
    /// The wasm filter alone.
    #[default]
    Plain,
    /// A matcher around it, so that Envoy itself serves what is decided already.
    FastPath,
}

/// The filter of one ECDS resource, as its deployment makes it.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Deployed {
    /// The fast path (JSON of an `ExtensionWithMatcher`); none for the wasm filter alone.
    pub(super) fast_path: Option<Value>,
    /// What an operator should know of it.
    pub(super) warnings: Vec<String>,
}

impl Deployment {
    /// Deploys a wasm filter (JSON of a `Wasm`) with this plugin configuration.
    ///
    /// # Errors
    /// What a fast path can't do, with its path in the plugin configuration.
    pub(super) fn deploy(self, plugin: &str, wasm: &Value) -> Result<Deployed, ConfigError> {
        if self == Self::Plain {
            return Ok(Deployed::default());
        }
        let fast_path = FastPath::new(plugin)?;
        let filter = fast_path.around(wasm);
        Ok(Deployed {
            fast_path: filter.get("typed_config").cloned(),
            warnings: warnings(&fast_path),
        })
    }

    /// Checks that a plugin configuration can be deployed so.
    ///
    /// # Errors
    /// What a fast path can't do, with its path in the plugin configuration.
    pub(super) fn check(self, plugin: &str) -> Result<(), ConfigError> {
        self.deploy(plugin, &Value::Null).map(|_| ())
    }
}

fn warnings(fast_path: &FastPath) -> Vec<String> {
    let newer = fast_path.needs_filter_chain().then(|| {
        "the fast path of Client-Cert needs Envoy 1.38 or later: older ones refuse it".to_owned()
    });
    let left_out = fast_path.left_out();
    let slow = (!left_out.is_empty()).then(|| {
        let named: Vec<&str> = left_out
            .iter()
            .take(MOST_NAMED)
            .map(String::as_str)
            .collect();
        let more = match left_out.len().saturating_sub(MOST_NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let named = named.join(", ");
        format!(
            "no fast path for {named}{more}: too many narrower hostnames, so each request enters \
             the VM as with \"deployment\": \"plain\""
        )
    });
    newer.into_iter().chain(slow).collect()
}
