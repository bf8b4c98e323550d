//! Operation: TLS, probes, shutdown, and errors at start that tell the remedy.

use std::process::Command;
use std::time::Duration;

use envoy_types::pb::envoy::service::discovery::v3::DiscoveryRequest;
use envoy_types::pb::envoy::service::extension::v3::extension_config_discovery_service_client::ExtensionConfigDiscoveryServiceClient;
use serde_json::json;
use support::pki;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Identity as TlsIdentity};

use crate::fixtures::{ZONE, base, client, forward};
use crate::program::Program;

#[tokio::test]
async fn the_api_speaks_tls() {
    let mut program = Program::stopped(
        base(),
        &["--tls-certificate", "server.pem", "--tls-key", "server.key"],
    );
    std::fs::write(program.path("server.pem"), pki().server.chain_pem()).expect("a written file");
    std::fs::write(program.path("server.key"), pki().server.key_pem()).expect("a written file");
    std::fs::write(program.path("ca.pem"), &pki().ca_pem).expect("a written file");
    program.run();
    let port = program.api().port();
    let output = Command::new("curl")
        .args([
            "--silent",
            "--show-error",
            "--cacert",
            "ca.pem",
            "--resolve",
        ])
        .arg(format!("api.example.com:{port}:127.0.0.1"))
        .arg(format!(
            "https://api.example.com:{port}/client/v4/zones/{ZONE}/access/certificates/settings"
        ))
        .args([
            "--header",
            &format!("Authorization: Bearer {}", program.token),
        ])
        .current_dir(program.folder())
        .output()
        .expect("curl runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("\"success\":true"), "{output:?}");
}

#[tokio::test]
async fn only_envoys_with_a_certificate_of_the_ca_get_settings() {
    let mut program = Program::stopped(
        base(),
        &[
            "--xds-tls-certificate",
            "server.pem",
            "--xds-tls-key",
            "server.key",
            "--xds-client-ca",
            "ca.pem",
        ],
    );
    std::fs::write(program.path("server.pem"), pki().server.chain_pem()).expect("a written file");
    std::fs::write(program.path("server.key"), pki().server.key_pem()).expect("a written file");
    std::fs::write(program.path("ca.pem"), &pki().ca_pem).expect("a written file");
    program.run();
    program.put(json!([forward("a.example.com")])).await;
    let address = format!("https://{}", program.xds());
    for (identity, admitted) in [
        (Some(&pki().client), true),
        (Some(&pki().untrusted), false),
        (None, false),
    ] {
        let mut tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(&pki().ca_pem))
            .domain_name("api.example.com");
        if let Some(identity) = identity {
            tls = tls.identity(TlsIdentity::from_pem(
                identity.chain_pem(),
                identity.key_pem(),
            ));
        }
        let endpoint = Channel::from_shared(address.clone())
            .expect("a URL")
            .tls_config(tls)
            .expect("a TLS configuration");
        let mut client = ExtensionConfigDiscoveryServiceClient::new(endpoint.connect_lazy());
        let request = DiscoveryRequest {
            resource_names: vec!["client_cert_forwarder".into()],
            ..DiscoveryRequest::default()
        };
        let answer = client.fetch_extension_configs(request).await;
        assert_eq!(
            answer.is_ok_and(|answer| answer.get_ref().resources.len() == 1),
            admitted
        );
    }
}

#[tokio::test]
async fn probes_and_metrics_need_no_token() {
    let program = Program::start();
    for path in ["/healthz", "/readyz"] {
        let response = client()
            .get(program.url_of(path))
            .send()
            .await
            .expect("an answer");
        assert_eq!(response.status(), 200, "{path}");
    }
    program
        .put(json!([forward("a.example.com"), forward("b.example.com")]))
        .await;
    program.put(json!([{ "hostname": 7 }])).await;
    let build = concat!(
        "settings_api_build_info{version=\"",
        env!("CARGO_PKG_VERSION"),
        "\"}"
    );
    assert_eq!(program.metric(build).await, 1);
    let route = "route=\"/client/v4/zones/{id}/access/certificates/settings\"";
    assert_eq!(
        program
            .metric(&format!(
                "settings_api_requests_total{{method=\"PUT\",{route},status=\"202\"}}"
            ))
            .await,
        1
    );
    assert_eq!(
        program
            .metric(&format!(
                "settings_api_requests_total{{method=\"PUT\",{route},status=\"400\"}}"
            ))
            .await,
        1
    );
    assert_eq!(
        program
            .metric(&format!("settings_api_hostnames{{scope=\"zones/{ZONE}\"}}"))
            .await,
        2
    );
}

#[tokio::test]
async fn the_processs_figures_are_those_of_the_system() {
    let program = Program::start();
    let text = program.metrics().await;
    let figure = |name: &str| -> f64 {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let value = line.unwrap_or_else(|| panic!("no {name} in\n{text}"));
        value.trim().parse().expect("a number")
    };
    let proc = |name: &str| format!("/proc/{}/{name}", program.pid());
    let status = std::fs::read_to_string(proc("status")).expect("proc");
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let resident = kilobytes.expect("VmRSS").trim().trim_end_matches(" kB");
    let resident = resident.parse::<f64>().expect("a number") * 1024.0;
    let ratio = figure("process_resident_memory_bytes ") / resident;
    assert!((0.5..2.0).contains(&ratio), "{ratio}");
    let open = std::fs::read_dir(proc("fd")).expect("proc").count() as f64;
    assert!((figure("process_open_fds ") - open).abs() <= 5.0, "{open}");
    assert!(figure("process_max_fds ") > open);
    assert!(figure("process_threads ") >= 2.0);
    let cpu = figure("process_cpu_seconds_total ");
    assert!(cpu > 0.0 && cpu < 60.0, "{cpu}");
    let started =
        std::time::UNIX_EPOCH + Duration::from_secs_f64(figure("process_start_time_seconds "));
    let age = started.elapsed().expect("a start in the past");
    assert!(age < Duration::from_secs(120), "{age:?}");
}

#[tokio::test]
async fn every_log_line_is_a_json_object_and_changes_say_who_made_them() {
    let program = Program::start();
    program.put(json!([forward("a.example.com")])).await;
    let log = program.log();
    let lines: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let change = lines
        .iter()
        .find(|line| line["message"] == "settings changed")
        .expect("the change");
    assert_eq!(change["by"], json!("test"));
    assert_eq!(change["scope"], json!(format!("zones/{ZONE}")));
}

#[tokio::test]
async fn a_request_that_is_under_way_ends_before_the_program_does() {
    let mut program = Program::start();
    let body = json!({ "settings": [forward("a.example.com")] }).to_string();
    let head = format!(
        "PUT /client/v4/zones/{ZONE}/access/certificates/settings HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n",
        program.token,
        body.len()
    );
    let mut stream = TcpStream::connect(program.api())
        .await
        .expect("a connection");
    stream.write_all(head.as_bytes()).await.expect("sent");
    tokio::time::sleep(Duration::from_millis(200)).await;
    let exchange = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(500)).await;
        stream.write_all(body.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("received");
        answer
    });
    let (code, program) = tokio::task::spawn_blocking(move || (program.terminate(), program))
        .await
        .expect("ended");
    assert_eq!(code, Some(0), "{}", program.log());
    let answer = exchange.await.expect("an exchange");
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    assert!(program.log().contains("shutting down"));
}

#[test]
fn what_stops_it_from_starting_is_said_in_one_line() {
    for (base, options, expected) in [
        (
            "{",
            vec![],
            "base configuration base.json: line 1, column 1: not JSON",
        ),
        (
            r#"{"zones":{},"resources":{},"x":1}"#,
            vec![],
            "base configuration base.json: x: unknown key",
        ),
        (
            r#"{"zones":{},"resources":{}}"#,
            vec!["--tls-certificate", "none.pem", "--tls-key", "none.key"],
            "API certificate none.pem",
        ),
        (
            r#"{"zones":{},"resources":{}}"#,
            vec!["--tls-certificate", "server.key", "--tls-key", "server.pem"],
            "API certificate server.key: holds a private key and no certificate: are \
             --tls-certificate and --tls-key swapped?",
        ),
        (
            r#"{"zones":{},"resources":{}}"#,
            vec!["--tls-certificate", "server.pem", "--tls-key", "server.pem"],
            "API key server.pem: holds a certificate and no private key",
        ),
        (
            r#"{"zones":{},"resources":{}}"#,
            vec!["--tls-certificate", "server.pem", "--tls-key", "client.key"],
            "API key client.key: does not belong to the certificate in server.pem",
        ),
        (
            r#"{"zones":{},"resources":{}}"#,
            vec!["--listen", "192.0.2.1:1"],
            "API can't listen on 192.0.2.1:1",
        ),
        (
            r#"{"zones":{},"resources":{}}"#,
            vec!["--database", "no/such/folder/x.db"],
            "database no/such/folder/x.db",
        ),
    ] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, content) in [
            ("base.json", base.to_owned()),
            ("server.pem", pki().server.chain_pem()),
            ("server.key", pki().server.key_pem()),
            ("client.key", pki().client.key_pem()),
        ] {
            std::fs::write(folder.path().join(name), content).expect("a written file");
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_settings-api"));
        command.args([
            "serve",
            "--base",
            "base.json",
            "--tokens",
            "tokens.json",
            "--xds-listen",
            "127.0.0.1:0",
        ]);
        if !options.contains(&"--database") {
            command.args(["--database", "settings.db"]);
        }
        if !options.contains(&"--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        let output = command
            .args(&options)
            .current_dir(folder.path())
            .output()
            .expect("the program runs");
        assert!(!output.status.success());
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let errors: Vec<_> = text
            .lines()
            .filter(|line| line.starts_with("settings-api: "))
            .collect();
        assert!(
            errors.len() == 1 && errors[0].contains(expected),
            "{options:?}: {text}"
        );
    }
}

#[test]
fn a_log_level_is_one_of_a_closed_list() {
    let output = Command::new(env!("CARGO_BIN_EXE_settings-api"))
        .args(["serve", "--base", "b", "--database", "d", "--tokens", "t"])
        .args(["--log-level", "loud"])
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8_lossy(&output.stderr);
    let expected = "[possible values: error, warn, info, debug, trace]";
    assert!(error.contains(expected), "{error}");
}

#[test]
fn each_option_of_serve_can_be_an_environment_variable() {
    let program = env!("CARGO_BIN_EXE_settings-api");
    let help = Command::new(program).args(["serve", "--help"]).output();
    let help = String::from_utf8(help.expect("the program runs").stdout).expect("text");
    let options: Vec<&str> = help
        .lines()
        .filter_map(|line| line.trim().strip_prefix("--")?.split(' ').next())
        .collect();
    assert!(options.len() > 15, "{help}");
    for option in options {
        let variable = format!("SETTINGS_API_{}=", option.to_uppercase().replace('-', "_"));
        let variable = variable.trim_end_matches('=');
        assert!(
            help.contains(&format!("[env: {variable}")),
            "{option}\n{help}"
        );
    }
    let output = Command::new(program)
        .arg("serve")
        .env("SETTINGS_API_BASE", "none.json")
        .env(
            "SETTINGS_API_DATABASE",
            "postgres://a:opensesame@127.0.0.1:1/x",
        )
        .env("SETTINGS_API_TOKENS", "none.json")
        .output()
        .expect("the program runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        error.contains("base configuration none.json: No such file"),
        "{error}"
    );
    let help = Command::new(program)
        .args(["serve", "--help"])
        .env("SETTINGS_API_DATABASE", "postgres://a:opensesame@db/x")
        .output()
        .expect("the program runs");
    assert!(!String::from_utf8_lossy(&help.stdout).contains("opensesame"));
}
