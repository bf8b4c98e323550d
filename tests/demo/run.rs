//! `make run`: Envoy, an origin and the settings API, left running.

use std::fs;
use std::process::ExitCode;

use support::settings_api::{EMAIL, SettingsApi};
use support::wasm::repository;
use support::{Origin, envoy_version, pki};

/// Prints how to reach the stack, and stops it on Ctrl-C.
pub(crate) async fn until_interrupted() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), String> {
    write_certificates()?;
    eprintln!(
        "Starting an origin, the settings API and Envoy {} with the filter …",
        envoy_version()
    );
    let origin = Origin::start().await;
    let api = SettingsApi::start(&crate::configuration()).await?;
    let envoy = api.envoy(&origin).await;

    let port = envoy.address("https").port();
    let curl = |host: &str| {
        format!(
            "  curl --cacert target/run/ca.pem --cert target/run/client.pem --key target/run/client.key \\\n    \
             --resolve {host}:{port}:127.0.0.1 https://{host}:{port}/headers https://{host}:{port}/headers\n"
        )
    };
    println!(
        "The origin answers with the headers that it received. The certificate is in the first request of a connection:\n"
    );
    println!("{}", curl("api.example.com"));
    println!("www.example.com gets none, until it is turned on as in Cloudflare's API:\n");
    println!("  curl {} --request PUT \\", api.url());
    println!(
        "    --header 'X-Auth-Email: {EMAIL}' --header 'X-Auth-Key: {}' \\",
        api.key
    );
    println!(
        "    --json '{{\"settings\": [{{\"hostname\": \"www.example.com\", \"china_network\": false, \
         \"client_certificate_forwarding\": true}}]}}'\n"
    );
    println!("{}", curl("www.example.com"));
    println!(
        "Metrics: http://{}/stats/prometheus?filter=client_cert_forwarder",
        envoy.admin_address()
    );
    println!("Ctrl-C stops everything.");
    tokio::signal::ctrl_c()
        .await
        .map_err(|error| format!("Ctrl-C can't be waited for: {error}"))
}

/// Puts the certificates of this run where the printed commands expect them.
fn write_certificates() -> Result<(), String> {
    let folder = repository().join("target/run");
    let files = [
        ("ca.pem", pki().ca_pem.clone()),
        ("client.pem", pki().client.chain_pem()),
        ("client.key", pki().client.key_pem()),
    ];
    fs::create_dir_all(&folder)
        .and_then(|()| {
            files
                .iter()
                .try_for_each(|(name, pem)| fs::write(folder.join(name), pem))
        })
        .map_err(|error| {
            format!(
                "The certificates can't be written to {}: {error}",
                folder.display()
            )
        })
}
