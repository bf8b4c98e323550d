//! The actions that carry out stored decisions: Envoy's own `header_mutation`.

use serde_json::{Value, json};

use super::{names, vary};
use crate::certificate::PeerCertificateStatus;
use crate::certificate::field::Field;
use crate::config::compiled::{Header, Setting};
use crate::config::{Config, ConfigError};
use crate::stored_decision::{StoredDecision, field_property, unverified_property};

/// Makes the actions of one configuration.
#[derive(Debug)]
pub(super) struct Actions {
    /// Mutations that remove the client's own managed headers.
    strip: Vec<Value>,
    removes_xfcc: bool,
    widens_vary: bool,
}

impl Actions {
    pub(super) fn new(config: &Config) -> Result<Self, ConfigError> {
        let regular_expressions = names::regular_expressions(&config.managed_headers)?;
        let strip = regular_expressions.iter().map(|regex| {
            json!({ "remove_on_match": { "key_matcher": { "safe_regex": { "regex": regex } } } })
        });
        Ok(Self {
            strip: strip.collect(),
            removes_xfcc: config.chain_from_xfcc,
            widens_vary: config.sends_rfc9440,
        })
    }

    /// Returns the action that removes managed headers and adds none.
    pub(super) fn strip(&self) -> Value {
        self.action(Vec::new(), Vec::new())
    }

    /// Returns the action for requests of `setting` on a connection for which this was decided.
    pub(super) fn carry_out(&self, setting: &Setting, decision: StoredDecision) -> Value {
        let always = setting
            .forward_on
            .is_some()
            .then_some(&setting.forwarding_headers)
            .filter(|_| !setting.forwards_once());
        let requests = always
            .into_iter()
            .flatten()
            .chain(&setting.request_headers)
            .filter_map(|header| append(header, decision));
        let responses = setting.response_headers.iter().flat_map(|header| {
            let remove = json!({ "remove": header.name });
            std::iter::once(remove).chain(append(header, decision))
        });
        self.action(requests.collect(), responses.collect())
    }

    fn action(&self, requests: Vec<Value>, responses: Vec<Value>) -> Value {
        let xfcc = self
            .removes_xfcc
            .then(|| json!({ "remove": "x-forwarded-client-cert" }));
        let requests: Vec<Value> =
            [self.strip.clone(), xfcc.into_iter().collect(), requests].concat();
        let mutations = json!({
            "request_mutations": requests,
            "request_trailers_mutations": self.strip,
            "response_mutations": responses
        });
        let replay = json!({ "name": "replay", "typed_config": vary::header_mutation(&mutations) });
        if self.widens_vary {
            let both = json!({ "typed_config": [replay, vary::widen()] });
            action("replay", ("filter_chain", both))
        } else {
            execute("replay", replay)
        }
    }
}

/// Returns the action of a composite filter that makes `filter`.
pub(super) fn execute(name: &str, filter: Value) -> Value {
    action(name, ("typed_config", filter))
}

fn action(name: &str, oneof: (&str, Value)) -> Value {
    let (key, value) = oneof;
    json!({
        "name": name,
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.composite.v3.ExecuteFilterAction",
            (key): value
        }
    })
}

/// Envoy adds no header whose value comes out empty.
fn append(header: &Header, decision: StoredDecision) -> Option<Value> {
    let property = property(header.field, decision)?;
    Some(json!({
        "append": {
            "header": { "key": header.name, "value": format!("%FILTER_STATE(wasm.{property}:PLAIN)%") },
            "append_action": "APPEND_IF_EXISTS_OR_ADD"
        }
    }))
}

fn property(field: Field, decision: StoredDecision) -> Option<String> {
    let is_of_status = PeerCertificateStatus::Absent.value(field).is_some();
    match decision {
        StoredDecision::Nothing => None,
        _ if is_of_status => Some(field_property(field)),
        StoredDecision::Fields => Some(field_property(field)),
        StoredDecision::Unverified => Some(unverified_property(field)),
        StoredDecision::Status => None,
    }
}
