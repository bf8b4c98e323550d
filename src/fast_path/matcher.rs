//! The matcher (`xds.type.matcher.v3.Matcher`) that tells which requests need not enter the VM.
//!
//! It may only err on one side: a request that it does not know goes to the filter, which decides
//! as ever. So each of its ways that does not skip ends in the action that makes the filter: a
//! request for which nothing matched would pass without it.

use serde_json::{Map, Value, json};

use crate::config::Config;
use crate::config::compiled::Setting;
use crate::delivery_state::DeliveryState;
use crate::hostname::HostnamePattern;

/// How many narrower settings a wildcard may have and still be skipped: each is compared with the
/// hostname of each request.
const MAX_NARROWER: usize = 100;

/// An authority as most clients send it: a name in lower case, without port and closing dot. Others
/// go to the filter.
const PLAIN_NAME: &str = r"[a-z0-9_-]+(\.[a-z0-9_-]+)*";

/// The settings to skip, by how their hostnames are found.
#[derive(Debug)]
pub(super) enum Matcher {
    /// One setting forwards: with its mark nothing is left to do for any hostname.
    One(DeliveryState),
    /// Several do: each hostname asks for its own setting's mark.
    Several {
        /// Hostname (as in an authority) and mark.
        exact: Vec<(String, DeliveryState)>,
        wildcards: Vec<Wildcard>,
        left_out: Vec<String>,
    },
}

/// A wildcard setting that forwards.
#[derive(Debug)]
pub(super) struct Wildcard {
    /// `.example.com`; empty for `*`.
    suffix: String,
    delivery: DeliveryState,
    /// Matches of the hostnames that narrower settings take from it, as
    /// `envoy.type.matcher.v3.StringMatcher`.
    narrower: Vec<Value>,
}

impl Matcher {
    /// For a configuration that [`super::eligibility`] lets pass.
    pub(super) fn new(config: &Config) -> Self {
        let forwarding: Vec<(HostnamePattern, &Setting)> = config
            .settings
            .iter()
            .filter(|setting| setting.forward_on.is_some())
            .filter_map(|setting| Some((HostnamePattern::parse(&setting.hostname).ok()?, setting)))
            .collect();
        if let [(_, setting)] = forwarding.as_slice() {
            return Self::One(setting.delivery.clone());
        }
        let (mut exact, mut wildcards, mut left_out) = (Vec::new(), Vec::new(), Vec::new());
        for (pattern, setting) in &forwarding {
            let delivery = setting.delivery.clone();
            let suffix = match pattern {
                HostnamePattern::Exact(name) => {
                    exact.push((authority(name), delivery));
                    continue;
                }
                HostnamePattern::Wildcard(suffix) => suffix.clone(),
                HostnamePattern::Any => String::new(),
            };
            let narrower: Vec<Value> = forwarding
                .iter()
                .filter_map(|(other, _)| taken_from(&suffix, other))
                .collect();
            if narrower.len() > MAX_NARROWER {
                left_out.push(setting.hostname.clone());
            } else {
                wildcards.push(Wildcard {
                    suffix,
                    delivery,
                    narrower,
                });
            }
        }
        Self::Several {
            exact,
            wildcards,
            left_out,
        }
    }

    pub(super) fn left_out(&self) -> &[String] {
        match self {
            Self::One(_) => &[],
            Self::Several { left_out, .. } => left_out,
        }
    }

    /// As JSON; what is not skipped gets that action, which stands in it once: Envoy makes a plugin
    /// of each wasm filter in it.
    pub(super) fn to_json(&self, otherwise: &Value) -> Value {
        match self {
            Self::One(delivery) => list_or(vec![skip_where(is_delivered(delivery))], otherwise),
            Self::Several {
                exact, wildcards, ..
            } => {
                let wildcards: Vec<Value> = wildcards
                    .iter()
                    .map(|wildcard| skip_where(wildcard.predicate()))
                    .collect();
                if exact.is_empty() {
                    return list_or(wildcards, otherwise);
                }
                // Envoy also asks this for a name of the map whose delivery is not there: each
                // wildcard leaves out the names of narrower settings.
                let not_by_name = if wildcards.is_empty() {
                    json!({ "action": otherwise })
                } else {
                    json!({ "matcher": list_or(wildcards, otherwise) })
                };
                let by_name: Map<String, Value> = exact
                    .iter()
                    .map(|(name, delivery)| {
                        let delivered = list(vec![skip_where(is_delivered(delivery))]);
                        (name.clone(), json!({ "matcher": delivered }))
                    })
                    .collect();
                json!({
                    "matcher_tree": { "input": authority_input(), "exact_match_map": { "map": by_name } },
                    "on_no_match": not_by_name
                })
            }
        }
    }
}

impl Wildcard {
    fn predicate(&self) -> Value {
        let name = json!({ "safe_regex": { "google_re2": {}, "regex": format!("{PLAIN_NAME}{}", self.suffix.replace('.', r"\.")) } });
        let mut all = vec![
            is_delivered(&self.delivery),
            single(authority_input(), &name),
        ];
        let except = |taken| json!({ "not_matcher": single(authority_input(), taken) });
        all.extend(self.narrower.iter().map(except));
        json!({ "and_matcher": { "predicate": all } })
    }
}

/// What `pattern` takes from the wildcard of that suffix (`*`: empty), if anything.
fn taken_from(suffix: &str, pattern: &HostnamePattern) -> Option<Value> {
    match pattern {
        HostnamePattern::Exact(name) if name.ends_with(suffix) => {
            Some(json!({ "exact": authority(name) }))
        }
        HostnamePattern::Wildcard(other)
            if other.len() > suffix.len() && other.ends_with(suffix) =>
        {
            Some(json!({ "suffix": other }))
        }
        _ => None,
    }
}

/// A setting's hostname as an authority has it: IPv6 addresses in brackets.
fn authority(name: &str) -> String {
    if name.contains(':') {
        format!("[{name}]")
    } else {
        name.to_owned()
    }
}

fn is_delivered(delivery: &DeliveryState) -> Value {
    let input = json!({
        "name": "delivered",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.matching.common_inputs.network.v3.FilterStateInput",
            "key": format!("wasm.{}", delivery.matched_property)
        }
    });
    single(input, &json!({ "exact": delivery.matched_value }))
}

fn authority_input() -> Value {
    json!({
        "name": "authority",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput",
            "header_name": ":authority"
        }
    })
}

fn single(input: Value, value_match: &Value) -> Value {
    json!({ "single_predicate": { "input": input, "value_match": value_match } })
}

fn skip_where(predicate: Value) -> Value {
    json!({
        "predicate": predicate,
        "on_match": { "action": {
            "name": "skip",
            "typed_config": { "@type": "type.googleapis.com/envoy.extensions.filters.common.matcher.action.v3.SkipFilter" }
        } }
    })
}

fn list(matchers: Vec<Value>) -> Value {
    json!({ "matcher_list": { "matchers": matchers } })
}

fn list_or(matchers: Vec<Value>, otherwise: &Value) -> Value {
    json!({ "matcher_list": { "matchers": matchers }, "on_no_match": { "action": otherwise } })
}
