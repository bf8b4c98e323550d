//! One request's way through the filter, from top to bottom.

mod inbound;
#[cfg(test)]
mod tests;

use std::rc::Rc;

use inbound::{Inbound, XFCC};

use crate::authority;
use crate::config::Config;
use crate::config::compiled::{Header, Setting};
use crate::config::schema::ForwardOn;
use crate::connection::{PeerCertificate, Presented};
use crate::enforcement;
use crate::header_map::HeaderMap;
use crate::hostcalls::{Hostcalls, Map};
use crate::metrics::{Metrics, Outcome};
use crate::peer_certificate;
use crate::response;
use crate::warnings::Warnings;

/// What all requests under one configuration share: the root context of one worker.
#[derive(Debug)]
pub struct Plugin {
    /// The configuration they are served by.
    pub config: Config,
    /// Its counters.
    pub metrics: Metrics,
    /// What was logged for it.
    pub warnings: Warnings,
    /// Whether Envoy's matcher skips requests of connections that were served ([`crate::delivery_state::FAST_PATH`]).
    pub fast_path: bool,
}

impl Plugin {
    /// Serves requests by `config`.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            config,
            metrics: Metrics::default(),
            warnings: Warnings::default(),
            fast_path: false,
        }
    }
}

/// Whether a request goes on to the next filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It does.
    Continue,
    /// It was answered here.
    Stop,
}

/// The filter's side of one request: the HTTP context.
#[derive(Debug)]
pub struct Request {
    plugin: Rc<Plugin>,
    /// The number of the setting that the request's hostname matched.
    setting: Option<usize>,
    /// The outcome to count once it is known whether the origin answered; set while a certificate is under way.
    pending: Option<Outcome>,
    /// What `explain` says.
    explanation: &'static str,
    /// Whether a managed header of the client's own was removed; `explain` says that too.
    stripped: bool,
}

impl Request {
    /// A request under `plugin`'s configuration.
    #[must_use]
    pub fn new(plugin: Rc<Plugin>) -> Self {
        Self {
            plugin,
            setting: None,
            pending: None,
            explanation: "no_setting",
            stripped: false,
        }
    }

    /// Removes what the client must not say, then says what the filter has to say.
    pub fn on_request_headers(&mut self, envoy: &impl Hostcalls) -> Action {
        let plugin = Rc::clone(&self.plugin);
        let config = &plugin.config;
        let bytes = envoy.headers(Map::RequestHeaders);
        let Some(headers) = bytes.as_deref().and_then(HeaderMap::parse) else {
            return fail_closed(envoy);
        };
        let inbound = Inbound::scan(headers, config);
        let setting = config.setting(&authority::hostname(inbound.authority));
        self.setting = setting.map(|(number, _)| number);

        if !inbound.spoofed.is_empty() {
            if config.reject_spoofed_headers && inbound.xfcc.is_some() {
                // The response may tell of the certificate, and what it reads is kept: now is the time to read the chain with it.
                peer_certificate::record(envoy, config, inbound.xfcc);
            }
            if self.sanitise(envoy, Map::RequestHeaders, &inbound.spoofed) == Action::Stop {
                return Action::Stop;
            }
        }
        if config.refuses_requests && !authority::is_unambiguous(inbound.authority) {
            self.setting = None;
            self.conclude(envoy, Outcome::Denied);
            envoy.reply(&enforcement::ambiguous_hostname());
            return Action::Stop;
        }
        if inbound.xfcc.is_some() && !envoy.remove_header(Map::RequestHeaders, XFCC) {
            return fail_closed(envoy);
        }
        match setting {
            Some((_, setting)) => self.serve(envoy, setting, inbound.xfcc),
            None => Action::Continue,
        }
    }

    /// Trailers can carry managed names too, and some origins merge them into the headers.
    pub fn on_request_trailers(&mut self, envoy: &impl Hostcalls) -> Action {
        let bytes = envoy.headers(Map::RequestTrailers);
        let Some(trailers) = bytes.as_deref().and_then(HeaderMap::parse) else {
            return fail_closed(envoy);
        };
        let spoofed: Vec<&[u8]> = trailers
            .iter()
            .map(|(name, _)| name)
            .filter(|name| self.plugin.config.managed_headers.contains(name))
            .collect();
        if spoofed.is_empty() {
            return Action::Continue;
        }
        self.sanitise(envoy, Map::RequestTrailers, &spoofed)
    }

    /// Notes whether the certificate was delivered, and sets the headers that responses carry.
    pub fn on_response_headers(&mut self, envoy: &impl Hostcalls) {
        if let Some(outcome) = self.pending.take() {
            let answered_by_origin = envoy
                .property("response\0code_details")
                .is_some_and(|details| details == b"via_upstream");
            let outcome = if answered_by_origin {
                outcome
            } else {
                Outcome::Undelivered
            };
            self.conclude(envoy, outcome);
            if answered_by_origin {
                self.remember_delivery(envoy);
            }
        }
        let setting = self.setting();
        let stripped = self.stripped.then(|| Outcome::SpoofStripped.name());
        let explanations = stripped.into_iter().chain([self.explanation]);
        response::set_response_headers(envoy, &self.plugin.config, setting, explanations);
    }

    /// The stream is over: a certificate that is still under way never reached the origin.
    pub fn on_delete(&mut self, envoy: &impl Hostcalls) {
        if self.pending.take().is_some() {
            self.conclude(envoy, Outcome::Undelivered);
        }
    }

    /// Removes the managed headers that the client made, or refuses the request (contract §4.1).
    fn sanitise(&mut self, envoy: &impl Hostcalls, map: Map, spoofed: &[&[u8]]) -> Action {
        if self.plugin.config.reject_spoofed_headers {
            self.pending = None;
            self.conclude(envoy, Outcome::SpoofRejected);
            envoy.reply(&enforcement::spoofed_header());
            return Action::Stop;
        }
        self.stripped = true;
        self.count(envoy, Outcome::SpoofStripped);
        remove_all(envoy, map, spoofed)
    }

    /// Does what `setting` asks for. Once the certificate was delivered, and nothing else is asked for, this is one property read.
    fn serve(&mut self, envoy: &impl Hostcalls, setting: &Setting, xfcc: Option<&[u8]>) -> Action {
        let forwards_now = match setting.forward_on {
            None => false,
            Some(ForwardOn::EveryRequest) => true,
            Some(ForwardOn::FirstRequest) => !self.was_delivered(envoy, setting),
        };
        self.explanation = if setting.forward_on.is_some() {
            "already_forwarded"
        } else {
            "no_forwarding"
        };
        if !forwards_now && !setting.acts_on_every_request() {
            return Action::Continue;
        }
        let record = peer_certificate::record(envoy, &self.plugin.config, xfcc);
        if let Some((outcome, reply)) = enforcement::refusal(&self.plugin.config, setting, &record)
        {
            self.warn_operator(envoy, setting, &record, outcome);
            self.conclude(envoy, outcome);
            envoy.reply(&reply);
            return Action::Stop;
        }
        self.add_headers(envoy, setting, &record, forwards_now);
        Action::Continue
    }

    /// Logs what an operator can do about a refusal that is not the client's fault.
    fn warn_operator(
        &self,
        envoy: &impl Hostcalls,
        setting: &Setting,
        record: &PeerCertificate,
        refused: Outcome,
    ) {
        let reason = match refused {
            Outcome::Misdirected if record.server_name().is_some_and(<[u8]>::is_empty) => refused,
            Outcome::Denied => outcome(setting, record),
            _ => return,
        };
        self.plugin
            .warnings
            .explain(envoy, &self.plugin.config, reason);
    }

    fn add_headers(
        &mut self,
        envoy: &impl Hostcalls,
        setting: &Setting,
        record: &PeerCertificate,
        forwards_now: bool,
    ) {
        let outcome = outcome(setting, record);
        let sent = matches!(outcome, Outcome::Forwarded | Outcome::TooLarge);
        let forwarding_headers = if forwards_now && sent {
            setting.forwarding_headers.as_slice()
        } else {
            &[]
        };
        for header in forwarding_headers.iter().chain(&setting.request_headers) {
            let value = value(header, record, sent);
            if !value.is_empty() {
                envoy.add_header(Map::RequestHeaders, &header.name, value);
            }
        }
        // A connection that was already served for this setting costs no counter.
        if forwards_now || (setting.forward_on.is_none() && !setting.request_headers.is_empty()) {
            if sent {
                self.pending = Some(outcome);
            } else {
                self.plugin
                    .warnings
                    .explain(envoy, &self.plugin.config, outcome);
                self.conclude(envoy, outcome);
            }
        }
    }

    /// Whether this connection was served for the setting.
    fn was_delivered(&self, envoy: &impl Hostcalls, setting: &Setting) -> bool {
        let delivered = envoy.property(&setting.delivery.property).is_some();
        if delivered {
            // The matcher did not know, perhaps because that was under an earlier configuration.
            self.publish_to_matcher(envoy, setting);
        }
        delivered
    }

    /// From now on this connection has been served for the setting.
    fn remember_delivery(&self, envoy: &impl Hostcalls) {
        if let Some(setting) = self.setting().filter(|setting| setting.forwards_once()) {
            envoy.set_connection_property(&setting.delivery.property, b"");
            self.publish_to_matcher(envoy, setting);
        }
    }

    fn publish_to_matcher(&self, envoy: &impl Hostcalls, setting: &Setting) {
        if self.plugin.fast_path {
            let delivery = &setting.delivery;
            envoy.set_connection_property(
                &delivery.matched_property,
                delivery.matched_value.as_bytes(),
            );
        }
    }

    fn setting(&self) -> Option<&Setting> {
        self.plugin.config.settings.get(self.setting?)
    }

    fn conclude(&mut self, envoy: &impl Hostcalls, outcome: Outcome) {
        self.explanation = outcome.name();
        self.count(envoy, outcome);
    }

    fn count(&self, envoy: &impl Hostcalls, outcome: Outcome) {
        self.plugin
            .metrics
            .count(envoy, &self.plugin.config, self.setting, outcome);
    }
}

fn remove_all(envoy: &impl Hostcalls, map: Map, names: &[&[u8]]) -> Action {
    if names.iter().all(|name| envoy.remove_header(map, name)) {
        Action::Continue
    } else {
        fail_closed(envoy)
    }
}

/// A request whose headers could not be read or cleaned never goes on (contract §4.10).
fn fail_closed(envoy: &impl Hostcalls) -> Action {
    envoy.reply(&enforcement::unreadable_headers());
    Action::Stop
}

fn outcome(setting: &Setting, record: &PeerCertificate) -> Outcome {
    match record.presented {
        Presented::No => Outcome::NoCertificate,
        Presented::SourceMissing => Outcome::SourceMissing,
        _ if !may_send(setting, record) => Outcome::Unverified,
        _ if record.too_large => Outcome::TooLarge,
        _ => Outcome::Forwarded,
    }
}

/// Whether the certificate itself, and not only its status, may be told of.
pub(crate) fn may_send(setting: &Setting, record: &PeerCertificate) -> bool {
    record.presented == Presented::Verified
        || (record.presented == Presented::Unverified && setting.forward_unverified)
}

/// The header's value, empty when there is nothing to say; `sent` is whether the certificate's own fields may be said.
pub(crate) fn value<'a>(header: &Header, record: &'a PeerCertificate, sent: bool) -> &'a [u8] {
    match crate::certificate::status_value(header.field, record.presented.verification()) {
        Some(status) => status.as_bytes(),
        None if sent => record.value(header.slot),
        None => &[],
    }
}
