//! One request's way through the filter, from top to bottom: read, decide, apply.

mod apply;
pub(crate) mod connection;
mod delivery;
mod metrics;
mod plugin;
#[cfg(test)]
mod stored_decision_tests;
pub(crate) mod stored_decisions;
#[cfg(test)]
mod tests;
pub(crate) mod warnings;

use std::rc::Rc;

use crate::config::compiled::Setting;
use crate::connection::Connection;
use crate::decision::{
    Decision, Explanation, Idle, Inbound, Progress, Refusal, TrailersDecision, Verdict, Warning,
    decide, decide_trailers,
};
use crate::headers::map::HeaderMap;
use crate::hostcalls::{Hostcalls, Map};
use crate::outcome::Outcome;
use crate::stored_decision::StoredDecision;
pub(crate) use apply::Action;
use connection::EnvoyConnection;
pub(crate) use plugin::Plugin;

/// Answers a request that the filter has no context for.
pub(crate) fn refuse_unreadable(envoy: &impl Hostcalls) {
    apply::refuse(envoy, Refusal::UnreadableHeaders);
}

/// The filter's side of one request: the HTTP context.
#[derive(Debug)]
pub(crate) struct Request {
    plugin: Rc<Plugin>,
    /// Number of the setting that the hostname matched.
    setting: Option<usize>,
    /// Whether managed headers of the client's own were removed; `explain` says that too.
    stripped: bool,
    progress: Progress,
    /// What is stored once the certificate is delivered.
    on_delivery: Option<StoredDecision>,
    /// Values of the setting's response headers, in its order.
    response_values: Vec<Vec<u8>>,
}

impl Request {
    pub(crate) fn new(plugin: Rc<Plugin>) -> Self {
        Self {
            plugin,
            setting: None,
            stripped: false,
            progress: Progress::Idle(Idle::NoSetting),
            on_delivery: None,
            response_values: Vec::new(),
        }
    }

    /// Strips managed headers, then serves or refuses the request.
    pub(crate) fn on_request_headers(&mut self, envoy: &impl Hostcalls) -> Action {
        let plugin = Rc::clone(&self.plugin);
        let bytes = envoy.headers(Map::RequestHeaders);
        let Some(headers) = bytes.as_deref().and_then(HeaderMap::parse) else {
            return apply::refuse(envoy, Refusal::UnreadableHeaders);
        };
        let request = Inbound::scan(headers, &plugin.config);
        let mut connection = EnvoyConnection::new(envoy, &plugin.config, request.xfcc);
        let decision = decide(&request, &plugin.config, &mut connection);
        let action = self.apply(envoy, &decision);
        if plugin.fast_path && action == Action::Continue && !request.is_connect {
            self.store(envoy, &mut connection);
        }
        action
    }

    /// Strips managed names from trailers too: some origins merge these into the headers.
    pub(crate) fn on_request_trailers(&mut self, envoy: &impl Hostcalls) -> Action {
        let bytes = envoy.headers(Map::RequestTrailers);
        let Some(trailers) = bytes.as_deref().and_then(HeaderMap::parse) else {
            return apply::refuse(envoy, Refusal::UnreadableHeaders);
        };
        match decide_trailers(trailers, &self.plugin.config) {
            TrailersDecision::Refuse(refusal) => self.refuse(envoy, refusal),
            TrailersDecision::Strip(spoofed) if spoofed.is_empty() => Action::Continue,
            TrailersDecision::Strip(spoofed) => {
                self.stripped = true;
                self.count(envoy, Outcome::SpoofStripped);
                if apply::remove_all(envoy, Map::RequestTrailers, &spoofed) {
                    Action::Continue
                } else {
                    apply::refuse(envoy, Refusal::UnreadableHeaders)
                }
            }
        }
    }

    /// Notes whether the certificate was delivered, and sets the headers that responses carry.
    pub(crate) fn on_response_headers(&mut self, envoy: &impl Hostcalls) {
        if let Progress::Pending(sent) = self.progress {
            if self.was_answered(envoy) {
                self.conclude(envoy, sent);
                self.remember_delivery(envoy);
            } else {
                self.conclude(envoy, Outcome::Undelivered);
            }
        }
        if let Some(setting) = self.setting() {
            for (header, value) in setting.response_headers.iter().zip(&self.response_values) {
                apply::set_response_header(envoy, &header.name, value);
            }
        }
        if self.plugin.config.sends_rfc9440 {
            apply::widen_vary(envoy);
        }
        if self.plugin.config.explain {
            apply::explain(envoy, &self.explanations(), self.setting());
        }
    }

    /// Ends the stream: a certificate that is still pending never reached the origin.
    pub(crate) fn on_delete(&mut self, envoy: &impl Hostcalls) {
        if let Progress::Pending(_) = self.progress {
            self.conclude(envoy, Outcome::Undelivered);
        }
    }

    /// Whether the origin answered, and so that its application saw the request (contract §4.5).
    ///
    /// The status is read where the next request depends on it alone: Envoy spends 11,000
    /// instructions on returning it, a fifth of what `every_request` costs.
    fn was_answered(&self, envoy: &impl Hostcalls) -> bool {
        let details = envoy.property("response\0code_details");
        details.is_some_and(|details| details == delivery::BY_ORIGIN)
            && !(self.setting().is_some_and(Setting::forwards_once)
                && envoy
                    .header(Map::ResponseHeaders, ":status")
                    .is_some_and(|status| delivery::is_unprocessed(&status)))
    }

    fn apply(&mut self, envoy: &impl Hostcalls, decision: &Decision<'_>) -> Action {
        self.setting = decision.setting;
        self.stripped = decision.strips;
        let response_headers = decision.response_headers.iter();
        self.response_values = response_headers
            .map(|header| header.value.to_vec())
            .collect();
        if decision.strips {
            self.count(envoy, Outcome::SpoofStripped);
        }
        match &decision.verdict {
            Verdict::Refuse(refusal) => self.refuse(envoy, *refusal),
            Verdict::Pass(pass) => {
                let action = apply::pass(envoy, pass);
                if action == Action::Continue {
                    self.note(envoy, pass.progress);
                }
                action
            }
        }
    }

    /// Stores for Envoy what this decision says of the connection's later requests.
    fn store(&mut self, envoy: &impl Hostcalls, connection: &mut impl Connection) {
        let plugin = Rc::clone(&self.plugin);
        let config = &plugin.config;
        let number = self.setting;
        let matched = number.and_then(|number| Some((number, config.settings.get(number)?)));
        let certificate = connection.peer_certificate(matched);
        if !stored_decisions::store_fields(envoy, config, certificate) {
            return;
        }
        let Some((_, setting)) = matched else {
            return;
        };
        let decision = stored_decisions::of(setting, certificate.status);
        if !setting.forwards_once() || self.progress == Progress::Idle(Idle::AlreadyDelivered) {
            if let Some(decision) = decision {
                stored_decisions::add(envoy, config, setting, decision);
            }
        } else {
            self.on_delivery = decision;
        }
    }

    fn remember_delivery(&self, envoy: &impl Hostcalls) {
        let Some(setting) = self.setting().filter(|setting| setting.forwards_once()) else {
            return;
        };
        if apply::remember_delivery(envoy, setting)
            && let Some(decision) = self.on_delivery
        {
            stored_decisions::add(envoy, &self.plugin.config, setting, decision);
        }
    }

    fn refuse(&mut self, envoy: &impl Hostcalls, refusal: Refusal) -> Action {
        self.warn_operator(envoy, refusal.warning());
        if let Some(outcome) = refusal.outcome() {
            self.conclude(envoy, outcome);
        }
        apply::refuse(envoy, refusal)
    }

    /// Takes note of the outcome as far as it is known.
    fn note(&mut self, envoy: &impl Hostcalls, progress: Progress) {
        self.progress = progress;
        match progress {
            Progress::Pending(_) | Progress::Idle(_) => {}
            Progress::Concluded(outcome) => {
                self.warn_operator(envoy, Warning::of_outcome(outcome));
                self.conclude(envoy, outcome);
            }
        }
    }

    fn warn_operator(&self, envoy: &impl Hostcalls, warning: Option<Warning>) {
        if let Some(warning) = warning {
            self.plugin
                .warnings
                .log(envoy, &self.plugin.config, warning);
        }
    }

    /// The tokens of the `explain` header.
    fn explanations(&self) -> Vec<&'static str> {
        let explanation = match self.progress {
            Progress::Idle(idle) => Explanation::Idle(idle),
            Progress::Concluded(outcome) | Progress::Pending(outcome) => {
                Explanation::Outcome(outcome)
            }
        };
        let stripped = self.stripped.then(|| Outcome::SpoofStripped.name());
        stripped.into_iter().chain([explanation.name()]).collect()
    }

    fn setting(&self) -> Option<&Setting> {
        self.plugin.config.settings.get(self.setting?)
    }

    fn conclude(&mut self, envoy: &impl Hostcalls, outcome: Outcome) {
        self.progress = Progress::Concluded(outcome);
        self.count(envoy, outcome);
    }

    fn count(&self, envoy: &impl Hostcalls, outcome: Outcome) {
        let config = &self.plugin.config;
        self.plugin
            .metrics
            .count(envoy, config, self.setting, outcome);
    }
}
