//! What the filter does with two requests of one connection, as values.

use crate::certificate::{Certificate, Limits, PeerCertificateStatus};
use crate::config::Config;
use crate::config::compiled::{Header, Setting};
use crate::connection::{Connection, SimulatedConnection};
use crate::decision::{
    Decision, Explanation, Idle, Inbound, Pass, Progress, Refusal, Verdict, decide,
};
use crate::headers::map::{HeaderMap, serialize};
use crate::outcome::Outcome;
use serde::Serialize;

use super::scenario::Scenario;

/// The first request of a connection and the next one, which follows after the origin answered.
#[derive(Debug, Serialize)]
pub struct Explained {
    /// The setting that the hostname matches.
    pub setting: Option<SettingName>,
    /// The first request.
    pub first_request: ExplainedRequest,
    /// The next request.
    pub next_request: ExplainedRequest,
}

/// A setting of the configuration.
#[derive(Debug, Serialize)]
pub struct SettingName {
    /// Its hostname, which may be a wildcard.
    pub hostname: String,
    /// JSON path in the plugin configuration.
    pub path: String,
}

/// What becomes of a request.
#[derive(Debug, Default, Serialize)]
pub struct ExplainedRequest {
    /// What metrics and the response header of `explain` say.
    pub outcomes: Vec<String>,
    /// The answer, where the request does not go on.
    pub refusal: Option<ExplainedRefusal>,
    /// Names as the client spelled them.
    pub removed: Vec<String>,
    /// Headers that the origin gets from the filter.
    pub added: Vec<HeaderLine>,
    /// Configured headers that the origin does not get.
    pub missing: Vec<MissingHeader>,
    /// Headers that the response gets from the filter.
    pub response_set: Vec<HeaderLine>,
    /// Names of headers that the response loses.
    pub response_removed: Vec<String>,
}

/// The filter's own answer.
#[derive(Debug, Serialize)]
pub struct ExplainedRefusal {
    /// Its status.
    pub status: u16,
    /// The access log's `%RESPONSE_CODE_DETAILS%`.
    pub details: String,
    /// Its body, which says why.
    pub body: String,
}

/// A header.
#[derive(Debug, Serialize)]
pub struct HeaderLine {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A configured header that the request does not carry.
#[derive(Debug, Serialize)]
pub struct MissingHeader {
    /// Its name.
    pub name: String,
    /// Why the request does not carry it.
    pub reason: String,
}

impl Explained {
    /// Runs the filter's own decisions.
    #[must_use]
    pub fn new(config: &Config, scenario: &Scenario) -> Self {
        let mut connection = SimulatedConnection::new(config, scenario.handshake.clone());
        let explainer = Explainer {
            config,
            certificate: scenario.certificate(),
        };
        let pairs: Vec<(&[u8], &[u8])> = scenario
            .headers
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
            .collect();
        let bytes = serialize(&pairs);
        let inbound = HeaderMap::parse(&bytes)
            .map(|headers| Inbound::scan(headers, config))
            .unwrap_or_default();
        let (number, first_request) = explainer.explain(&inbound, &mut connection);
        let (_, next_request) = explainer.explain(&inbound, &mut connection);
        let name = |number: usize| {
            Some(SettingName {
                hostname: config.settings.get(number)?.hostname.clone(),
                path: format!("settings[{number}]"),
            })
        };
        Self {
            setting: number.and_then(name),
            first_request,
            next_request,
        }
    }
}

struct Explainer<'a> {
    config: &'a Config,
    certificate: Option<Certificate>,
}

impl Explainer<'_> {
    /// Explains a request, which the origin then answers. Returns the setting's number too.
    fn explain(
        &self,
        inbound: &Inbound<'_>,
        connection: &mut SimulatedConnection,
    ) -> (Option<usize>, ExplainedRequest) {
        let status = connection.peer_certificate(None).status;
        let decision = decide(inbound, self.config, connection);
        let number = decision.setting;
        let setting = number.and_then(|number| self.config.settings.get(number));
        let (explained, progress) = match &decision.verdict {
            Verdict::Refuse(refusal) => (refused(*refusal, &decision), None),
            Verdict::Pass(pass) => (
                self.passed(pass, &decision, setting, status),
                Some(pass.progress),
            ),
        };
        if let (Some(Progress::Pending(_)), Some(setting)) = (progress, setting) {
            connection.deliver(setting);
        }
        (number, self.with_own_header(explained, setting))
    }

    fn passed(
        &self,
        pass: &Pass<'_>,
        decision: &Decision<'_>,
        setting: Option<&Setting>,
        status: PeerCertificateStatus,
    ) -> ExplainedRequest {
        let explanation = match pass.progress {
            Progress::Idle(idle) => Explanation::Idle(idle),
            Progress::Concluded(outcome) | Progress::Pending(outcome) => {
                Explanation::Outcome(outcome)
            }
        };
        let stripped = decision.strips.then(|| Outcome::SpoofStripped.name());
        let outcomes = stripped.into_iter().chain([explanation.name()]);
        let added: Vec<HeaderLine> = pass
            .add
            .iter()
            .map(|add| line(&add.header.name, add.value))
            .collect();
        let mut missing = Vec::new();
        for (header, is_forwarding) in setting.into_iter().flat_map(headers) {
            if !added.iter().any(|line| line.name == header.name) {
                let is_delivered =
                    is_forwarding && pass.progress == Progress::Idle(Idle::AlreadyDelivered);
                missing.push(MissingHeader {
                    name: header.name.clone(),
                    reason: self.why_missing(header, status, is_delivered),
                });
            }
        }
        let mut removed: Vec<String> = pass.remove.iter().map(|name| text(name)).collect();
        let connection = pass
            .connection
            .as_ref()
            .map(|value| line("connection", value));
        if connection.is_some() {
            removed.push("connection".to_owned());
        }
        ExplainedRequest {
            outcomes: outcomes.map(str::to_owned).collect(),
            removed,
            added: connection.into_iter().chain(added).collect(),
            missing,
            ..responded(decision)
        }
    }

    fn why_missing(
        &self,
        header: &Header,
        status: PeerCertificateStatus,
        is_delivered: bool,
    ) -> String {
        /// Nothing is too large.
        const UNLIMITED: Limits = Limits {
            max_certificate_bytes: usize::MAX,
            max_certificate_chain_bytes: usize::MAX,
        };
        let whole = self
            .certificate
            .as_ref()
            .map(|certificate| certificate.value(header.field, &UNLIMITED));
        let is_chain = header.field.name().contains("Chain");
        let reason = if is_delivered {
            "the origin has it from an earlier request of this connection; \
             \"forward_on\": \"every_request\" sends it always"
        } else if whole.is_none() {
            "the client presented no certificate"
        } else if status != PeerCertificateStatus::Verified {
            "the certificate does not count as verified; \"forward_unverified\": true sends it \
             nevertheless"
        } else if whole.is_some_and(|whole| !whole.is_empty()) {
            "longer than max_certificate_bytes or max_certificate_chain_bytes allows"
        } else if is_chain && !self.config.chain_from_xfcc {
            "there is no chain; \"certificate_chain_source\": \"xfcc\" provides it"
        } else if is_chain {
            "the client presented no chain"
        } else {
            "the certificate has no such part"
        };
        reason.to_owned()
    }

    /// Adds the response header of `"explain": true`.
    fn with_own_header(
        &self,
        mut explained: ExplainedRequest,
        setting: Option<&Setting>,
    ) -> ExplainedRequest {
        if self.config.explain {
            let hostname = setting
                .map(|setting| format!("; hostname=\"{}\"", setting.hostname))
                .unwrap_or_default();
            let items = explained.outcomes.iter();
            let items: Vec<String> = items.map(|item| format!("{item}{hostname}")).collect();
            let value = items.join(", ");
            let header = line("client-cert-forwarder", value.as_bytes());
            explained.response_set.push(header);
        }
        explained
    }
}

fn headers(setting: &Setting) -> impl Iterator<Item = (&Header, bool)> {
    let forwarding = setting
        .forwarding_headers
        .iter()
        .map(|header| (header, true));
    let others = setting.request_headers.iter().map(|header| (header, false));
    forwarding.chain(others)
}

fn refused(refusal: Refusal, decision: &Decision<'_>) -> ExplainedRequest {
    let stripped = decision.strips.then_some(Outcome::SpoofStripped);
    let outcomes = stripped.into_iter().chain(refusal.outcome());
    ExplainedRequest {
        outcomes: outcomes.map(|outcome| outcome.name().to_owned()).collect(),
        refusal: Some(ExplainedRefusal {
            status: refusal.status(),
            details: refusal.details().to_owned(),
            body: refusal.body().to_owned(),
        }),
        ..responded(decision)
    }
}

/// The response's headers; those without a value are removed from it.
fn responded(decision: &Decision<'_>) -> ExplainedRequest {
    let (set, removed): (Vec<_>, Vec<_>) = decision
        .response_headers
        .iter()
        .partition(|header| !header.value.is_empty());
    ExplainedRequest {
        response_set: set
            .iter()
            .map(|set| line(&set.header.name, set.value))
            .collect(),
        response_removed: removed
            .iter()
            .map(|removed| removed.header.name.clone())
            .collect(),
        ..ExplainedRequest::default()
    }
}

fn line(name: &str, value: &[u8]) -> HeaderLine {
    HeaderLine {
        name: name.to_owned(),
        value: text(value),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
