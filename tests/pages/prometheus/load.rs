//! Envoys and a settings API, and a load on them that makes each outcome.

use std::{fs, path::Path};

use serde_json::{Value, json};
use support::{
    Client, Deployment, Envoy, Listener, Origin, Protocol, Request, Scene, TRAP_FIELDS, pki,
    settings_api::SettingsApi,
    trapping_module::{Trap, write_trapping_module},
};
use tempfile::TempDir;

/// Outcomes that this load makes. The other one, `source_missing`, needs an Envoy before 1.38.
pub(super) const OUTCOMES: [&str; 10] = [
    "denied",
    "forwarded",
    "misdirected",
    "no_certificate",
    "revoked",
    "spoof_rejected",
    "spoof_stripped",
    "too_large",
    "undelivered",
    "unverified",
];

pub(super) struct Site {
    /// Strips spoofed headers, and has a module that can be made to fail.
    strict: Scene,
    /// Rejects requests with spoofed headers.
    rejecting: Scene,
    /// Has its settings from the settings API.
    managed: Envoy,
    pub(super) settings_api: SettingsApi,
    origin: Origin,
    _module: TempDir,
}

impl Site {
    pub(super) async fn start() -> Site {
        let module = tempfile::tempdir().expect("a temporary folder");
        let trapping = module.path().join("trapping.wasm");
        write_trapping_module(&trapping, Trap::RequestHeaders);
        let open = || Listener::accept_untrusted().no_resumption();
        let strict = Envoy::with_filter(strict_settings())
            .deployment(Deployment::Plain)
            .discovered()
            .module(&trapping)
            .adapt_filter(|filter| {
                let reload = json!({ "backoff": { "base_interval": "0.3s" } });
                filter["config"]["reload_config"] = reload;
            })
            .listener(open())
            .scene()
            .await;
        let rejecting = Envoy::with_filter(json!({
            "on_spoofed_header": "reject",
            "settings": [{ "hostname": "*.example.com", "client_certificate_forwarding": true }]
        }))
        .listener(open())
        .scene()
        .await;
        let origin = Origin::start().await;
        let plugin = json!({ "verified_by": "listener", "settings": [] });
        let settings_api = SettingsApi::start_with(&plugin, watch_crl).await;
        let settings_api = settings_api.expect("the settings API");
        let managed = settings_api.envoy(&origin).await;
        Site {
            strict,
            rejecting,
            managed,
            settings_api,
            origin,
            _module: module,
        }
    }

    pub(super) fn envoys(&self) -> Vec<std::net::SocketAddr> {
        let envoys = [&self.strict.envoy, &self.rejecting.envoy, &self.managed];
        envoys.map(Envoy::admin_address).to_vec()
    }

    /// Requests of each kind, from one to six of them, so that the panels have something to draw.
    pub(super) async fn round(&self, round: usize) {
        let times = |phase: usize| 1 + (round / 12 + phase) % 6;
        let known = self.strict.connect(Protocol::Http2).await;
        for _ in 0..3 * times(0) {
            known.get("api.example.com", "/").await;
            known.get("www.example.com", "/").await;
        }
        for _ in 0..times(2) {
            known.get("api.example.com", "/refused").await;
        }
        for _ in 0..times(1) {
            known.get("admin.example.com", "/").await;
        }
        let spoofing = Request::get("api.example.com", "/").header("cf-client-cert-sha256", "1");
        for _ in 0..times(3) {
            known.send(spoofing.clone()).await;
        }
        let identities = [&pki().untrusted, &pki().huge, &pki().other_client];
        for (phase, identity) in identities.into_iter().enumerate() {
            let client = self.strict.connect_with(Protocol::Http2, identity).await;
            for _ in 0..times(2 * phase) {
                client.get("api.example.com", "/").await;
            }
        }
        self.anonymous(times(4)).await;
        let rejecting = self.rejecting.connect(Protocol::Http2).await;
        for _ in 0..times(5) {
            assert_eq!(rejecting.send(spoofing.clone()).await.status, 400);
        }
        self.change_a_setting(round).await;
    }

    /// Requests without a certificate.
    async fn anonymous(&self, times: usize) {
        let client = self.strict.client(Protocol::Http1);
        let admin = client.sni("admin.example.com").connect().await;
        let client = self
            .strict
            .connect_without_certificate(Protocol::Http1)
            .await;
        for _ in 0..times {
            admin.get("admin.example.com", "/").await;
            client.get("api.example.com", "/").await;
        }
    }

    async fn change_a_setting(&self, round: usize) {
        let hostname = format!("host{round}.example.com");
        let entry = json!({ "hostname": hostname, "client_certificate_forwarding": true });
        let body = json!({ "settings": [entry] });
        self.settings_api.put(&body).await.expect("a change");
        let managed = Client::http2(&self.managed).listener("https");
        let managed = managed.with(&pki().client).connect().await;
        managed.get(&hostname, "/").await;
    }

    /// Makes the VM of one Envoy fail, and another Envoy reject its settings.
    pub(super) async fn fail(&self) {
        let mut request = Request::get("api.example.com", "/");
        for number in 0..TRAP_FIELDS {
            request = request.header(&format!("x-{number}"), "1");
        }
        let client = self.strict.connect(Protocol::Http2).await;
        client.send(request).await;
        // Envoy starts the VM again with a later request.
        for _ in 0..200 {
            if client.get("api.example.com", "/").await.status == 200 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert!(
            self.strict.envoy.vm_reloads().await > 0,
            "the VM was not started again"
        );
        self.settings_api.break_module();
    }

    /// Requests that reached an origin.
    pub(super) fn served(&self) -> usize {
        let origins = [&self.strict.origin, &self.rejecting.origin, &self.origin];
        origins.map(|origin| origin.requests().len()).iter().sum()
    }
}

/// Names a CRL in the base configuration.
fn watch_crl(folder: &Path, base: &mut Value) -> Result<(), String> {
    let crl = pki().crl(&[&pki().other_client]);
    for (name, content) in [("ca.pem", &pki().ca_pem), ("partner.crl", &crl)] {
        fs::write(folder.join(name), content).map_err(|error| format!("{name}: {error}"))?;
    }
    base["crls"] = json!([{ "file": "partner.crl", "ca": "ca.pem" }]);
    Ok(())
}

fn strict_settings() -> Value {
    let forward = |hostname: &str| {
        json!({
            "hostname": hostname,
            "client_certificate_forwarding": true,
            "forward_on": "every_request"
        })
    };
    json!({
        "verified_by": "attribute",
        "max_certificate_bytes": pki().client.der_base64().len(),
        "revoked_certificates": [{ "sha256": pki().other_client.sha256() }],
        "settings": [
            forward("api.example.com"),
            forward("*.example.com"),
            {
                "hostname": "admin.example.com",
                "client_certificate_forwarding": true,
                "require_client_certificate": true
            }
        ]
    })
}
