//! The requests that the demo sends, and the contract's result for each.

use std::time::{Duration, Instant};

use serde_json::json;
use support::origin::Recorded;
use support::settings_api::SettingsApi;
use support::{Client, Envoy, Origin, Protocol, Request, mtls_protocols, pki};

/// One request: as sent, as expected at the origin, and as received there.
pub(crate) struct Check {
    pub(crate) connection: String,
    pub(crate) request: String,
    /// Whether it is a row of its own without `--verbose`.
    pub(crate) is_shown: bool,
    pub(crate) expected: Certificate,
    /// 200, or 403 for a request that the origin must not receive.
    pub(crate) expected_status: u16,
    pub(crate) status: u16,
    pub(crate) received: Recorded,
}

/// Whether the certificate is in a request's headers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Certificate {
    Forwarded,
    Absent,
    /// Headers are there, but not those of the client's certificate.
    Forged,
}

impl Check {
    pub(crate) fn passed(&self) -> bool {
        self.status == self.expected_status && self.found() == self.expected
    }

    /// Every header that an origin could take for the filter's is looked at, in any spelling.
    pub(crate) fn found(&self) -> Certificate {
        let managed: Vec<(String, &[u8])> = self
            .received
            .headers
            .0
            .iter()
            .map(|(name, value)| (name.replace(['_', '.'], "-"), value.as_slice()))
            .filter(|(name, _)| name.starts_with("cf-client-cert-"))
            .collect();
        let (der, sha256) = (pki().client.der_base64(), pki().client.sha256());
        let forwarded = [
            ("cf-client-cert-der-base64".to_owned(), der.as_bytes()),
            ("cf-client-cert-sha256".to_owned(), sha256.as_bytes()),
        ];
        if managed.is_empty() {
            Certificate::Absent
        } else if managed == forwarded {
            Certificate::Forwarded
        } else {
            Certificate::Forged
        }
    }
}

/// Where a request is a row of its own without `--verbose`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Always,
    OverHttp2,
    Never,
}

/// Host, what is special, whether its headers are forged, the expected result.
type Sent = (&'static str, &'static str, bool, Certificate, Shown);

/// What each connection with a certificate sends.
const WITH: [Sent; 6] = {
    use Certificate::{Absent, Forwarded};
    [
        (
            "api.example.com",
            "first request",
            false,
            Forwarded,
            Shown::Always,
        ),
        (
            "api.example.com",
            "second request",
            false,
            Absent,
            Shown::OverHttp2,
        ),
        (
            "api.example.com",
            "forged headers",
            true,
            Absent,
            Shown::OverHttp2,
        ),
        (
            "www.example.org",
            "every_request: first",
            false,
            Forwarded,
            Shown::Never,
        ),
        (
            "www.example.org",
            "every_request: second",
            false,
            Forwarded,
            Shown::OverHttp2,
        ),
        (
            "localhost",
            "hostname without a setting",
            false,
            Absent,
            Shown::Never,
        ),
    ]
};

/// What each connection without one sends.
const WITHOUT: [Sent; 2] = {
    use Certificate::Absent;
    [
        (
            "api.example.com",
            "first request",
            false,
            Absent,
            Shown::Never,
        ),
        (
            "api.example.com",
            "forged headers",
            true,
            Absent,
            Shown::OverHttp2,
        ),
    ]
};

/// Sends everything, one after the other.
pub(crate) async fn play(origin: &Origin, envoy: &Envoy) -> Vec<Check> {
    let mut checks = Vec::new();
    for (identity, requests, suffix) in [
        (Some(&pki().client), &WITH[..], ""),
        (None, &WITHOUT[..], ", no cert"),
    ] {
        for &protocol in mtls_protocols() {
            let connector = Client::over(protocol, envoy).listener("tls");
            let connector = match identity {
                Some(identity) => connector.with(identity),
                None => connector,
            };
            let mut connection = Connection {
                name: format!("{}{suffix}", name(protocol)),
                client: connector.connect().await,
                origin,
                checks: &mut checks,
                is_shown: true,
            };
            for &(host, request, is_forged, expected, shown) in requests {
                connection.is_shown = match shown {
                    Shown::Always => true,
                    Shown::OverHttp2 => protocol == Protocol::Http2,
                    Shown::Never => false,
                };
                let headers = if is_forged { &FORGED[..] } else { &[] };
                connection.get(host, request, headers, expected).await;
            }
        }
    }
    checks
}

const FORGED: [(&str, &str); 2] = [
    ("cf-client-cert-sha256", "forged"),
    ("cf_client.cert_der-base64", "forged"),
];

/// A PUT turns forwarding on for a hostname while Envoy runs: a request before it, and the first
/// connection after it.
pub(crate) async fn play_settings_api(origin: &Origin) -> Result<Vec<Check>, String> {
    const HOST: &str = "www.example.com";
    let api = SettingsApi::start(&crate::configuration()).await?;
    let envoy = api.envoy(origin).await;
    let mut checks = Vec::new();
    let connect = || async {
        Client::http2(&envoy)
            .with(&pki().client)
            .listener("https")
            .connect()
            .await
    };
    let name = "settings API".to_owned();
    let mut before = Connection {
        name: name.clone(),
        client: connect().await,
        origin,
        checks: &mut checks,
        is_shown: true,
    };
    before
        .get(HOST, "before the PUT", &[], Certificate::Absent)
        .await;

    let settings = json!({ "settings": [{ "hostname": HOST, "china_network": false, "client_certificate_forwarding": true }] });
    api.put(&settings).await?;
    let start = Instant::now();
    loop {
        let mut tried = Vec::new();
        let mut after = Connection {
            name: name.clone(),
            client: connect().await,
            origin,
            checks: &mut tried,
            is_shown: true,
        };
        let request = format!("{} ms after the PUT", start.elapsed().as_millis());
        after.get(HOST, &request, &[], Certificate::Forwarded).await;
        let forwarded = tried.iter().all(Check::passed);
        if forwarded || start.elapsed() > Duration::from_secs(5) {
            checks.append(&mut tried);
            return Ok(checks);
        }
    }
}

/// A connection whose requests are checked.
pub(crate) struct Connection<'a> {
    pub(crate) name: String,
    pub(crate) client: Client,
    pub(crate) origin: &'a Origin,
    pub(crate) checks: &'a mut Vec<Check>,
    /// Whether its next requests are shown without `--verbose`.
    pub(crate) is_shown: bool,
}

impl Connection<'_> {
    /// Sends a request that the origin receives.
    pub(crate) async fn get(
        &mut self,
        authority: &str,
        request: &str,
        headers: &[(&str, &str)],
        expected: Certificate,
    ) {
        let path = format!("/{}", self.origin.requests().len());
        let get = headers
            .iter()
            .fold(Request::get(authority, &path), |get, (name, value)| {
                get.header(name, value)
            });
        let response = self.client.send(get).await;
        let received = self.origin.requests_for(&path).pop();
        self.checks.extend(received.map(|received| Check {
            connection: self.name.clone(),
            request: request.to_owned(),
            is_shown: self.is_shown,
            expected,
            expected_status: 200,
            status: response.status,
            received,
        }));
    }
}

fn name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Http1 => "HTTP/1.1",
        Protocol::Http2 => "HTTP/2",
        Protocol::Http3 => "HTTP/3",
    }
}
