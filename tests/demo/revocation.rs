//! Revocation on an open connection: a CRL that the settings API watches lists the certificate, and
//! the connection's next request is refused.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::settings_api::SettingsApi;
use support::{Identity, pki};

use crate::script::{Certificate, Check, Connection};

/// The longest time that the demo waits for the first refusal.
const PATIENCE: Duration = Duration::from_secs(10);

/// Names a CRL that revokes nobody in the base configuration.
pub(crate) fn watch_crl(folder: &Path, base: &mut Value) -> Result<(), String> {
    write(folder, "ca.pem", &pki().ca_pem)?;
    write_crl(folder, &[])?;
    base["crls"] = json!([{ "file": "ca.crl", "ca": "ca.pem" }]);
    Ok(())
}

/// Revokes the client's certificate, and asks again on its connection until it is refused.
pub(crate) async fn play(
    api: &SettingsApi,
    connection: &mut Connection<'_>,
    host: &str,
) -> Result<(), String> {
    let start = Instant::now();
    write_crl(api.folder(), &[&pki().client])?;
    loop {
        let path = format!("/revoked/{}", start.elapsed().as_micros());
        let response = connection.client.get(host, &path).await;
        let milliseconds = start.elapsed().as_millis();
        if response.status == 403 || start.elapsed() > PATIENCE {
            let received = connection.origin.requests_for(&path).pop();
            connection.checks.push(Check {
                connection: connection.name.clone(),
                request: format!("{milliseconds} ms after its revocation"),
                is_shown: true,
                expected: Certificate::Absent,
                expected_status: 403,
                status: response.status,
                received: received.unwrap_or_default(),
            });
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn write_crl(folder: &Path, revoked: &[&Identity]) -> Result<(), String> {
    write(folder, "ca.crl.new", &pki().crl(revoked))?;
    let moved = fs::rename(folder.join("ca.crl.new"), folder.join("ca.crl"));
    moved.map_err(|error| format!("{}: {error}", folder.display()))
}

fn write(folder: &Path, name: &str, content: &str) -> Result<(), String> {
    let path = folder.join(name);
    fs::write(&path, content).map_err(|error| format!("{}: {error}", path.display()))
}
