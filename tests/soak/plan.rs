//! The plan of every connection, drawn from the seed and the connection's number alone: the same
//! seed gives the same load, whatever the scheduling.

use fastrand::Rng;
use serde_json::{Value, json};
use support::{Identity, PROTOCOLS, Protocol, pki};

/// The full amount of connections. With [`MOST_REQUESTS`] they send a good 1,000,000 requests.
pub(crate) const CONNECTIONS: u64 = 20_000;
/// The full amount of requests.
pub(crate) const REQUESTS: u64 = 1_000_000;
/// Nine connections in ten send up to this many requests, evenly spread; the tenth sends one.
const MOST_REQUESTS: u64 = 112;

/// A hostname that requests are for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Host {
    pub(crate) name: &'static str,
    /// The hostname of its setting, which is the `hostname` label of its counters.
    pub(crate) setting: &'static str,
    pub(crate) forwards: Forwards,
    /// Whether it asks for a verified certificate, and a connection of its own.
    pub(crate) requires: bool,
}

/// When a host's requests carry the certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forwards {
    /// Until one was delivered on the connection.
    First,
    /// On every request.
    Every,
    /// Its fields on every request, not itself.
    Fields,
    /// The host has no setting.
    Never,
}

/// The label of requests without a setting.
const NO_SETTING: &str = "(none)";
const REQUIRING: &str = "secure.example.com";

/// Every hostname; the last two settings serve two each.
pub(crate) const HOSTS: [Host; 8] = [
    host("api.example.com", "api.example.com", Forwards::First),
    host("every.example.com", "every.example.com", Forwards::Every),
    host("fields.example.com", "fields.example.com", Forwards::Fields),
    Host {
        requires: true,
        ..host(REQUIRING, REQUIRING, Forwards::First)
    },
    host("a.example.org", "*.example.org", Forwards::First),
    host("b.example.org", "*.example.org", Forwards::First),
    host("elsewhere.test", NO_SETTING, Forwards::Never),
    host("localhost", NO_SETTING, Forwards::Never),
];

const fn host(name: &'static str, setting: &'static str, forwards: Forwards) -> Host {
    Host {
        name,
        setting,
        forwards,
        requires: false,
    }
}

/// The filter's configuration for [`HOSTS`].
pub(crate) fn configuration() -> Value {
    json!({
        "verified_by": "attribute",
        "settings": [
            { "hostname": "api.example.com", "client_certificate_forwarding": true,
              "response_headers": { "x-client-cert-verified": "certVerified" } },
            { "hostname": "every.example.com", "client_certificate_forwarding": true, "forward_on": "every_request" },
            { "hostname": "fields.example.com", "add_client_certificate_headers": true },
            { "hostname": REQUIRING, "client_certificate_forwarding": true, "require_client_certificate": true },
            { "hostname": "*.example.org", "client_certificate_forwarding": true }
        ]
    })
}

/// Whom the client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// Has a certificate that the CA vouches for.
    Client,
    /// Has another one.
    Other,
    /// Has one that is too large for a header.
    Huge,
    /// Has an untrusted one.
    Untrusted,
    /// Has none.
    Anonymous,
}

impl Who {
    pub(crate) fn identity(self) -> Option<&'static Identity> {
        match self {
            Who::Client => Some(&pki().client),
            Who::Other => Some(&pki().other_client),
            Who::Huge => Some(&pki().huge),
            Who::Untrusted => Some(&pki().untrusted),
            Who::Anonymous => None,
        }
    }
}

/// The outcome of a request after the filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The origin answers.
    Answered,
    /// Nothing listens where the route leads.
    Refused,
    /// The route's cluster has no endpoints.
    NoUpstream,
    /// Envoy answers itself.
    LocalReply,
    /// The origin closes the connection instead of answering.
    Reset,
    /// The client goes away once the request is at the origin: the connection's last request.
    Abandoned,
}

/// One request, or several at once.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) host: &'static Host,
    pub(crate) fate: Fate,
    /// A managed header of the client's own, in some spelling.
    pub(crate) spoofed: Option<&'static str>,
    /// The bytes of the body; without one it is a GET.
    pub(crate) body: usize,
    /// How many such requests are sent at once; more than one only where the origin answers.
    pub(crate) at_once: u64,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) protocol: Protocol,
    pub(crate) who: Who,
    pub(crate) server_name: &'static str,
    pub(crate) steps: Vec<Step>,
}

const SPOOFED: [&str; 4] = [
    "cf-client-cert-sha256",
    "cf_client.cert-der_base64",
    "cf-cert-verified",
    "cf.cert.anything",
];

impl Plan {
    /// The plan of the connection of that number.
    pub(crate) fn draw(seed: u64, number: u64) -> Plan {
        let mut rng = Rng::with_seed(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        // In turns, so that each protocol has a third.
        let protocol = PROTOCOLS[usize::try_from(number % 3).expect("less than 3")];
        let who = match rng.u8(..100) {
            0..78 => Who::Client,
            78..86 => Who::Other,
            86..88 => Who::Huge,
            88..93 => Who::Untrusted,
            _ => Who::Anonymous,
        };
        let server_name = match rng.u8(..100) {
            0..80 => HOSTS[0].name,
            _ => REQUIRING,
        };
        let count = match rng.u8(..10) {
            0 => 1,
            _ => rng.u64(1..=MOST_REQUESTS),
        };
        let mut steps = Vec::new();
        let mut planned = 0;
        while planned < count {
            let step = Step::draw(&mut rng, protocol, count - planned);
            planned += step.at_once;
            steps.push(step);
        }
        if rng.u8(..10) == 0
            && let Some(last) = steps.last_mut()
            && last.at_once == 1
        {
            last.fate = Fate::Abandoned;
        }
        Plan {
            protocol,
            who,
            server_name,
            steps,
        }
    }
}

impl Step {
    fn draw(rng: &mut Rng, protocol: Protocol, most: u64) -> Step {
        let fate = match rng.u8(..100) {
            0..92 => Fate::Answered,
            92..94 => Fate::Refused,
            94..96 => Fate::NoUpstream,
            96..98 => Fate::LocalReply,
            _ => Fate::Reset,
        };
        let together = fate == Fate::Answered && protocol != Protocol::Http1 && rng.u8(..10) == 0;
        let host = &HOSTS[rng.usize(..HOSTS.len())];
        // An answer before the body's end may close an HTTP/1.1 connection, so only requests for
        // the origin have bodies.
        let has_body = fate == Fate::Answered && !host.requires && rng.u8(..5) == 0;
        Step {
            host,
            fate,
            spoofed: (rng.u8(..10) == 0).then(|| SPOOFED[rng.usize(..SPOOFED.len())]),
            body: if has_body { rng.usize(1..2000) } else { 0 },
            at_once: if together {
                rng.u64(2..=6).min(most)
            } else {
                1
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CONNECTIONS, Plan, REQUESTS};

    #[test]
    fn the_full_amount_of_connections_sends_the_full_amount_of_requests() {
        for seed in [0, 1, 0xdead_beef] {
            let requests: u64 = (0..CONNECTIONS)
                .flat_map(|number| Plan::draw(seed, number).steps)
                .map(|step| step.at_once)
                .sum();
            assert!(
                (REQUESTS..REQUESTS * 21 / 20).contains(&requests),
                "seed {seed}: {requests} requests"
            );
        }
    }
}
