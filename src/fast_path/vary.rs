//! RFC 9440 §2.4 without the VM (see [`crate::rfc9440::varies_on_certificate`]).

use serde_json::{Value, json};

use super::hosts::{not, regex, single};

/// A list, lines joined by commas, that has `Client-Cert` or `Client-Cert-Chain` among its members.
const VARIES_ON_CERTIFICATE: &str = r"(?i)(.*,)?\s*client-cert(-chain)?\s*(,.*)?";

/// Returns a filter that makes a `Vary` of the response that names either header `Vary: *`.
pub(super) fn widen() -> Value {
    let vary = json!({
        "name": "vary",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.type.matcher.v3.HttpResponseHeaderMatchInput",
            "header_name": "vary"
        }
    });
    let other = not(&single(&vary, &regex(VARIES_ON_CERTIFICATE)));
    let skip = json!({
        "name": "skip",
        "typed_config": { "@type": "type.googleapis.com/envoy.extensions.filters.common.matcher.action.v3.SkipFilter" }
    });
    let widen = json!({
        "response_mutations": [{
            "append": {
                "header": { "key": "vary", "value": "*" },
                "append_action": "OVERWRITE_IF_EXISTS"
            }
        }]
    });
    json!({
        "name": "vary",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher",
            "xds_matcher": { "matcher_list": { "matchers": [
                { "predicate": other, "on_match": { "action": skip } }
            ] } },
            "extension_config": { "name": "vary", "typed_config": header_mutation(&widen) }
        }
    })
}

/// Returns the configuration of a `header_mutation`.
pub(super) fn header_mutation(mutations: &Value) -> Value {
    json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
        "mutations": mutations
    })
}
