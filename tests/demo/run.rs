//! `make run`: the demo's stack, left running.

use std::fs;
use std::process::ExitCode;

use support::pki;
use support::wasm::repository;

use crate::start_stack;

/// Prints how to reach the stack, and stops it on Ctrl-C.
pub(crate) async fn until_interrupted() -> ExitCode {
    let (origin, envoy) = start_stack().await;
    let folder = repository().join("target/run");
    let files = [
        ("ca.pem", &pki().ca_pem),
        ("client.pem", &pki().client.chain_pem()),
        ("client.key", &pki().client.key_pem()),
    ];
    let written = fs::create_dir_all(&folder).and_then(|()| {
        files
            .iter()
            .try_for_each(|(name, pem)| fs::write(folder.join(name), pem))
    });
    if let Err(error) = written {
        eprintln!(
            "The certificates can't be written to {}: {error}",
            folder.display()
        );
        return ExitCode::FAILURE;
    }
    let port = envoy.address("tls").port();
    println!(
        "Envoy serves https://api.example.com:{port} and *.example.org; the origin answers with what it received. Try, twice on one connection:"
    );
    println!();
    println!(
        "  curl --cacert target/run/ca.pem --cert target/run/client.pem --key target/run/client.key \\"
    );
    println!(
        "    --resolve api.example.com:{port}:127.0.0.1 https://api.example.com:{port}/headers https://api.example.com:{port}/headers"
    );
    println!();
    println!(
        "Metrics: curl http://{}/stats/prometheus?filter=client_cert_forwarder",
        envoy.admin_address()
    );
    println!("Ctrl-C stops both.");
    let interrupted = tokio::signal::ctrl_c().await;
    drop((envoy, origin));
    if interrupted.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
