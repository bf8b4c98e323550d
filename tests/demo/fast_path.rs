//! A round of the fast path, which the settings API publishes: Envoy itself serves what the filter
//! decided, and Envoy's own counts tell how often it entered the VM.

use std::time::{Duration, Instant};

use serde_json::json;
use support::settings_api::SettingsApi;
use support::{Client, Envoy, Origin, pki};

use crate::revocation;
use crate::script::{Certificate, Check, Connection};

const HOST: &str = "api.example.com";

/// Envoy writes its log a little later than it answers.
const PATIENCE: Duration = Duration::from_secs(10);

/// Envoy's counts of the requests that were served before the revocation.
pub(crate) struct Counts {
    /// Filters that Envoy made, one for each request.
    made: u64,
    /// Requests for which it entered the VM.
    entered: usize,
    requests: usize,
}

impl Counts {
    /// Whether the VM was entered for the first request alone.
    pub(crate) fn passed(&self) -> bool {
        (self.made, self.entered) == (self.requests as u64, 1)
    }

    /// Says what was counted, and by what.
    pub(crate) fn text(&self) -> String {
        let Counts {
            made,
            entered,
            requests,
        } = self;
        format!(
            "Fast path: {requests} requests on a connection, each with the certificate. Envoy made\n\
             {made} filters (http.https.composite.filter_delegation_success) and entered the\n\
             VM for {entered} of them (proxy_on_request_headers in its trace)."
        )
    }
}

/// Three requests on one connection, the last two without the VM; then its certificate is revoked.
pub(crate) async fn play(origin: &Origin) -> Result<(Vec<Check>, Counts), String> {
    let plugin = json!({
        "verified_by": "listener",
        "settings": [{
            "hostname": HOST,
            "client_certificate_forwarding": true,
            "forward_on": "every_request",
            "require_client_certificate": true
        }]
    });
    let api = SettingsApi::start_with(&plugin, |folder, base| {
        base["resources"]["client_cert_forwarder"]["deployment"] = "fast_path".into();
        revocation::watch_crl(folder, base)
    });
    let api = api.await?;
    let envoy = api.envoy_builder(origin).log_every_call();
    let envoy = envoy.start(origin).await;
    let client = Client::http2(&envoy).with(&pki().client);
    let mut checks = Vec::new();
    let mut connection = Connection {
        name: "HTTP/2, fast path".to_owned(),
        client: client.listener("https").connect().await,
        origin,
        checks: &mut checks,
        is_shown: true,
    };
    for request in ["the VM decides", "Envoy repeats it", "and again"] {
        let expected = Certificate::Forwarded;
        connection.is_shown = request != "and again";
        connection.get(HOST, request, &[], expected).await;
    }
    let counts = counts(&envoy, connection.checks.len()).await;
    connection.name = "the same connection".to_owned();
    revocation::play(&api, &mut connection, HOST).await?;
    Ok((checks, counts))
}

async fn counts(envoy: &Envoy, requests: usize) -> Counts {
    let entered = || envoy.calls_of("proxy_on_request_headers");
    let start = Instant::now();
    while entered() == 0 && start.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let made = |name: &str| name.ends_with(".composite.filter_delegation_success");
    Counts {
        made: envoy.stats_where(made).await,
        entered: entered(),
        requests,
    }
}
