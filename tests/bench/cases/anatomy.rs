//! The cases of `cost --anatomy`: what single callbacks and filters cost.

use std::path::Path;

use serde_json::{Value, json};

use super::{Case, fast_path};
use crate::{
    expectation::Expectation,
    filters::{skipped, wasm},
    idle_wasm::Steps,
    outcome::Failure,
};

/// Single steps of the steady state, each on top of the wasm filter that does nothing.
pub(super) fn cases(folder: &Path) -> Result<Vec<Case>, Failure> {
    let response_headers = Steps {
        response_headers: true,
        ..Steps::default()
    };
    let header_map = Steps {
        header_map: true,
        ..Steps::default()
    };
    let property = Steps {
        property: true,
        ..Steps::default()
    };
    let all = Steps {
        response_headers: true,
        header_map: true,
        property: true,
    };
    let idle = Steps::default().write(folder, "skipped-wasm")?;
    let skip = |name: &str, title: &'static str, filter: &Value| {
        Ok(Case::new(
            name,
            title,
            Expectation::nothing(),
            vec![skipped(filter)],
        ))
    };
    let strip = Case::new(
        "strip",
        "fast path's header_mutation alone",
        Expectation::strip(),
        vec![strip_managed_headers()],
    );
    [
        (
            "idle-response-headers",
            "nothing + response headers callback",
            response_headers,
        ),
        ("idle-header-map", "nothing + header map read", header_map),
        ("idle-property", "nothing + property read", property),
        ("idle-all", "nothing + all three", all),
    ]
    .into_iter()
    .map(|(name, title, steps)| {
        let module = steps.write(folder, name)?;
        Ok(Case::new(
            name,
            title,
            Expectation::nothing(),
            vec![wasm(name, &module, "")],
        ))
    })
    .chain([
        Ok(strip),
        fast_path(
            "fast-path-1",
            "fast path, one setting",
            1,
            &json!({}),
            Expectation::first_request(),
        ),
        skip(
            "skipped-wasm",
            "wasm skipped by :authority",
            &wasm("skipped-wasm", &idle, ""),
        ),
        skip(
            "skipped-native",
            "native filter skipped by :authority",
            &strip_managed_headers(),
        ),
    ])
    .collect()
}

/// Envoy's own filter that removes the managed headers, as the fast path's actions do.
fn strip_managed_headers() -> Value {
    let regex = "cf[^a-z0-9:](client[^a-z0-9:])?cert[^a-z0-9:].*";
    let remove =
        json!([{ "remove_on_match": { "key_matcher": { "safe_regex": { "regex": regex } } } }]);
    json!({
        "name": "strip",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
            "mutations": { "request_mutations": remove, "request_trailers_mutations": remove }
        }
    })
}
