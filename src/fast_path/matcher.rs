//! The matcher (`xds.type.matcher.v3.Matcher`): which requests Envoy can serve by a stored
//! decision.
//!
//! It may only err on one side: a request that it does not know goes to the filter, which decides
//! as ever. Whatever matches nothing ends in the action that makes the filter.

use serde_json::{Map, Value, json};

use super::action::Actions;
use super::hosts::{self, Wildcard, authority, not, regex, single};
use crate::config::{Config, compiled::Setting};
use crate::hostname::HostnamePattern;
use crate::stored_decision::{PROPERTY, StoredDecision};

/// The rules of every setting, by how their hostnames are found.
#[derive(Debug)]
pub(super) struct Matcher {
    /// Rules by hostname, as in an authority.
    exact: Map<String, Value>,
    /// Predicate and rules of each wildcard.
    wildcards: Vec<Value>,
    left_out: Vec<String>,
}

impl Matcher {
    pub(super) fn new(config: &Config, actions: &Actions) -> Self {
        let settings: Vec<(HostnamePattern, &Setting)> = config
            .settings
            .iter()
            .filter_map(|setting| Some((HostnamePattern::parse(&setting.hostname).ok()?, setting)))
            .collect();
        let patterns: Vec<HostnamePattern> = settings
            .iter()
            .map(|(pattern, _)| pattern.clone())
            .collect();
        let (mut exact, mut wild) = (Map::new(), Vec::new());
        for (pattern, setting) in &settings {
            let rules = || list(rules(config, setting, actions));
            match pattern {
                HostnamePattern::Exact(name) => {
                    exact.insert(authority(name), json!({ "matcher": rules() }));
                }
                HostnamePattern::Wildcard(suffix) => {
                    wild.push((suffix.as_str(), Some(&setting.hostname), rules()));
                }
                HostnamePattern::Any => wild.push(("", Some(&setting.hostname), rules())),
            }
        }
        if !patterns.contains(&HostnamePattern::Any) {
            // Hosts without a setting: nothing is added.
            wild.push(("", None, list(vec![rule(config, actions.strip())])));
        }
        let suffixes = wild.iter().map(|(suffix, _, _)| *suffix);
        let (mut wildcards, mut left_out) = (Vec::new(), Vec::new());
        for (wildcard, (_, hostname, rules)) in
            hosts::wildcards(suffixes, &patterns).iter().zip(&wild)
        {
            if wildcard.is_too_wide() {
                left_out.extend(hostname.cloned());
            } else {
                wildcards.push(of_wildcard(config, wildcard, rules));
            }
        }
        Self {
            exact,
            wildcards,
            left_out,
        }
    }

    pub(super) fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// Returns it as JSON. `otherwise` is the action that makes the wasm filter, and stands in it
    /// once: Envoy makes a plugin of each wasm filter in it.
    pub(super) fn to_json(&self, otherwise: &Value) -> Value {
        let by_host = if self.exact.is_empty() {
            list(self.wildcards.clone())
        } else {
            // Envoy asks the wildcards too for a name of the map whose decision is not there: each
            // of them leaves out the names of narrower settings.
            let tree =
                json!({ "input": authority_input(), "exact_match_map": { "map": self.exact } });
            if self.wildcards.is_empty() {
                json!({ "matcher_tree": tree })
            } else {
                let wildcards = json!({ "matcher": list(self.wildcards.clone()) });
                json!({ "matcher_tree": tree, "on_no_match": wildcards })
            }
        };
        json!({
            "matcher_list": { "matchers": [{
                "predicate": is_replayable(),
                "on_match": { "matcher": by_host }
            }] },
            "on_no_match": { "action": otherwise }
        })
    }
}

/// Upgrades keep a `Connection`, whose options the filter examines.
///
/// CONNECT is a request like any other here: what was decided holds for its headers too, wherever
/// they lead, and nothing is ever stored because of one.
fn is_replayable() -> Value {
    not(&single(&header_input("connection"), &regex(".*")))
}

fn of_wildcard(config: &Config, wildcard: &Wildcard, rules: &Value) -> Value {
    let mut predicates = wildcard.predicates(&authority_input(), config.refuses_requests);
    let predicate = if predicates.len() == 1 {
        predicates.remove(0)
    } else {
        json!({ "and_matcher": { "predicate": predicates } })
    };
    json!({ "predicate": predicate, "on_match": { "matcher": rules } })
}

/// The decisions that may stand for a setting, with the action of each.
fn rules(config: &Config, setting: &Setting, actions: &Actions) -> Vec<Value> {
    if setting.forward_on.is_none() && !setting.replays_fields() {
        return vec![rule(config, actions.strip())];
    }
    let decisions: &[StoredDecision] = if !setting.replays_fields() {
        &[StoredDecision::Nothing]
    } else if setting.require_client_certificate {
        &[StoredDecision::Fields]
    } else if setting.forward_unverified {
        &[
            StoredDecision::Fields,
            StoredDecision::Status,
            StoredDecision::Unverified,
        ]
    } else {
        &[StoredDecision::Fields, StoredDecision::Status]
    };
    let rule = |decision: &StoredDecision| {
        let stored = json!({ "contains": decision.entry(&setting.token) });
        on_stored(&stored, actions.carry_out(setting, *decision))
    };
    decisions.iter().map(rule).collect()
}

/// A rule that holds for every connection that the filter has seen under this configuration: a
/// matcher that an edit of the configuration left behind must not serve anybody.
fn rule(config: &Config, action: Value) -> Value {
    on_stored(&json!({ "prefix": &*config.mark }), action)
}

fn on_stored(value_match: &Value, action: Value) -> Value {
    let input = json!({
        "name": "decisions",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.matching.common_inputs.network.v3.FilterStateInput",
            "key": format!("wasm.{PROPERTY}")
        }
    });
    json!({ "predicate": single(&input, value_match), "on_match": { "action": action } })
}

fn authority_input() -> Value {
    header_input(":authority")
}

fn header_input(name: &str) -> Value {
    json!({
        "name": name.trim_start_matches(':'),
        "typed_config": {
            "@type": "type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput",
            "header_name": name
        }
    })
}

fn list(matchers: Vec<Value>) -> Value {
    json!({ "matcher_list": { "matchers": matchers } })
}
