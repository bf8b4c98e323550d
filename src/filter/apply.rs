//! Carries out a decision: the only code that changes a request or a response in Envoy.

use crate::config::compiled::Setting;
use crate::decision::{HeaderValue, Pass, Refusal};
use crate::hostcalls::{Hostcalls, LocalReply, Map};
use crate::rfc9440;

const EXPLAIN: &str = "client-cert-forwarder";

/// Whether a request goes on to the next filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Continue,
    /// It was answered here.
    Stop,
}

/// Changes the request's headers, or answers it where Envoy does not.
pub(super) fn pass(envoy: &impl Hostcalls, pass: &Pass<'_>) -> Action {
    if !remove_all(envoy, Map::RequestHeaders, &pass.remove) {
        return refuse(envoy, Refusal::UnreadableHeaders);
    }
    if let Some(connection) = &pass.connection
        && !envoy.set_header(Map::RequestHeaders, "connection", connection)
    {
        return refuse(envoy, Refusal::UnreadableHeaders);
    }
    for HeaderValue { header, value } in &pass.add {
        envoy.add_header(Map::RequestHeaders, &header.name, value);
    }
    Action::Continue
}

/// Answers the request in the origin's place.
pub(crate) fn refuse(envoy: &impl Hostcalls, refusal: Refusal) -> Action {
    envoy.reply(&LocalReply {
        status: refusal.status(),
        details: refusal.details(),
        body: refusal.body(),
    });
    Action::Stop
}

/// Removes `names`; whether Envoy did so.
pub(super) fn remove_all(envoy: &impl Hostcalls, map: Map, names: &[&[u8]]) -> bool {
    names.iter().all(|name| envoy.remove_header(map, name))
}

/// Remembers with the connection that the origin has the certificate for `setting`; whether Envoy
/// took it.
pub(super) fn remember_delivery(envoy: &impl Hostcalls, setting: &Setting) -> bool {
    envoy.set_connection_property(&setting.delivery.property, b"")
}

/// Sets or removes one of the setting's response headers.
pub(super) fn set_response_header(envoy: &impl Hostcalls, name: &str, value: &[u8]) {
    if value.is_empty() {
        envoy.remove_header(Map::ResponseHeaders, name.as_bytes());
    } else {
        envoy.set_header(Map::ResponseHeaders, name, value);
    }
}

/// Sends `Vary: *` where the origin's `Vary` names a header that only the origin sees.
pub(super) fn widen_vary(envoy: &impl Hostcalls) {
    let bytes = envoy.headers(Map::ResponseHeaders);
    if bytes.as_deref().is_some_and(rfc9440::varies_on_certificate) {
        envoy.set_header(Map::ResponseHeaders, "vary", b"*");
    }
}

/// Tells the client what the filter did.
pub(super) fn explain(envoy: &impl Hostcalls, explanations: &[&str], setting: Option<&Setting>) {
    let hostname = setting
        .map(|setting| format!("; hostname=\"{}\"", setting.hostname))
        .unwrap_or_default();
    let items: Vec<String> = explanations
        .iter()
        .map(|explanation| format!("{explanation}{hostname}"))
        .collect();
    envoy.set_header(Map::ResponseHeaders, EXPLAIN, items.join(", ").as_bytes());
}
