//! The origins in `examples/origins`, each behind a real Envoy with the filter.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use rcgen::{DistinguishedName, DnType, ExtendedKeyUsagePurpose, SanType};
use serde_json::Value;
use support::{
    Client, Envoy, Listener, Origin, Request, connector::tls_config, pki, wasm::repository,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use crate::program::{Program, find_or_skip};

const SUBJECT: &str = "O=Client Certificate Forwarder,CN=Test Client";

fn example(name: &str) -> PathBuf {
    repository().join("examples/origins").join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(example(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn configuration() -> Value {
    serde_json::from_str(&read("plugin.json")).expect("JSON")
}

/// Starts the origin with that program, unless it is missing, and sends it the usual requests.
async fn check(
    what: &str,
    name: &str,
    package: &str,
    command: impl Fn(&Path, u16, &Path) -> Command,
) {
    let variable = match package {
        // Half a gigabyte, so `make peers` does not install it.
        "golang-go" => "GO_TEST",
        _ => "ORIGINS_TEST",
    };
    let Some(binary) = find_or_skip(what, name, package, variable) else {
        return;
    };
    let program = Program::start(|folder, port| command(&binary, port, folder));
    let origin = Origin::at(program.address());
    let envoy = Envoy::with_filter(configuration())
        .listener(Listener::optional())
        .start(&origin)
        .await;
    let client = Client::http2(&envoy).with(&pki().client).connect().await;
    for _ in 0..2 {
        let response = client.get("api.example.com", "/").await;
        assert_eq!(response.status, 200, "{what}: {response:?}");
        let answer: Value = serde_json::from_slice(&response.body).expect("JSON");
        assert_eq!(answer["sha256"], pki().client.sha256(), "{what}: {answer}");
        if let Some(subject) = answer.get("subject") {
            assert_eq!(subject, SUBJECT, "{what}");
        }
        if let Some(Value::String(serial)) = answer.get("serial") {
            let serial = serial.trim_start_matches('0').to_ascii_lowercase();
            assert_eq!(serial, serial_of_client(), "{what}");
        }
    }
    // Without a certificate, whatever the client says of itself.
    let forged = pki().other_client.der_base64();
    let anonymous = Client::http2(&envoy).connect().await;
    for header in ["cf-client-cert-der-base64", "cf_client_cert_der_base64"] {
        let request = Request::get("api.example.com", "/").header(header, &forged);
        let response = anonymous.send(request).await;
        assert_eq!(response.status, 401, "{what}: {header}");
    }
}

/// Hex, without zeros in front.
fn serial_of_client() -> String {
    let der = pki().client.der();
    // SEQUENCE { SEQUENCE { [0] version, INTEGER serial: each with a short or a 2-byte length.
    let body = |at: usize| match der[at + 1] {
        0x82 => at + 4,
        0x81 => at + 3,
        _ => at + 2,
    };
    let serial = body(body(0)) + 5;
    let length = usize::from(der[serial + 1]);
    let hex: String = der[serial + 2..serial + 2 + length]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    hex.trim_start_matches('0').to_owned()
}

#[tokio::test]
async fn node_reads_the_certificate() {
    check(
        "the origin in Node.js",
        "node",
        "nodejs",
        |node, port, _| {
            let mut command = Command::new(node);
            command
                .arg(example("node.mjs"))
                .env("PORT", port.to_string());
            command
        },
    )
    .await;
}

#[tokio::test]
async fn python_reads_the_certificate_over_wsgi() {
    check(
        "the WSGI origin",
        "python3",
        "python3",
        |python, port, _| {
            let mut command = Command::new(python);
            command
                .args(["-B".as_ref(), example("wsgi_origin.py").as_os_str()])
                .env("PORT", port.to_string());
            command
        },
    )
    .await;
}

#[tokio::test]
async fn python_reads_the_certificate_over_asgi() {
    check(
        "the ASGI origin",
        "uvicorn",
        "uvicorn",
        |uvicorn, port, _| {
            let mut command = Command::new(uvicorn);
            command
                .args(["--host", "127.0.0.1", "--port", &port.to_string()])
                .arg("--app-dir")
                .arg(repository().join("examples/origins"))
                .arg("asgi_origin:application")
                .env("PYTHONDONTWRITEBYTECODE", "1");
            command
        },
    )
    .await;
}

#[tokio::test]
async fn java_reads_the_certificate() {
    check(
        "the origin in Java",
        "java",
        "default-jdk-headless",
        |java, port, _| {
            let mut command = Command::new(java);
            command
                .arg(example("Origin.java"))
                .env("PORT", port.to_string());
            command
        },
    )
    .await;
}

#[tokio::test]
async fn php_reads_the_certificate() {
    check("the origin in PHP", "php", "php-cli", |php, port, _| {
        let mut command = Command::new(php);
        command
            .args(["-S", &format!("127.0.0.1:{port}")])
            .arg(example("origin.php"));
        command
    })
    .await;
}

#[tokio::test]
async fn go_reads_the_certificate() {
    check("the origin in Go", "go", "golang-go", |go, port, folder| {
        let mut command = Command::new(go);
        command
            .arg("run")
            .arg(example("origin.go"))
            .env("PORT", port.to_string())
            .env("GOCACHE", folder.join("cache"))
            .env("GOFLAGS", "-mod=mod");
        command
    })
    .await;
}

/// Starts nginx with the example, its files in a folder of the test's own.
fn nginx(binary: &Path) -> (Program, u16) {
    let tls_port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a port on loopback")
        .port();
    let program = Program::start(|folder, port| {
        let tls = folder.join("tls");
        fs::create_dir(&tls).expect("a new folder");
        let origin = pki().client_with(|params| {
            params.subject_alt_names = vec![SanType::DnsName(ORIGIN.try_into().expect("ASCII"))];
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        });
        for (name, content) in [
            ("origin.crt", origin.chain_pem()),
            ("origin.key", origin.key_pem()),
            ("envoy-ca.crt", pki().ca_pem.clone()),
        ] {
            fs::write(tls.join(name), content).expect("a written file");
        }
        let text = read("nginx.conf")
            .replace("/var/log/nginx", &folder.display().to_string())
            .replace("/etc/nginx", &folder.display().to_string())
            .replace("127.0.0.1:8080", &format!("127.0.0.1:{port}"))
            .replace("0.0.0.0:8443", &format!("127.0.0.1:{tls_port}"));
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("  {kind}_temp_path {}/{kind};\n", folder.display()))
            .concat();
        let text = text.replace("http {\n", &format!("http {{\n{temporary}"));
        let process = format!(
            "daemon off;\nmaster_process off;\npid {}/pid;\n",
            folder.display()
        );
        let configuration = folder.join("nginx.conf");
        fs::write(&configuration, process + &text).expect("a written file");
        let mut command = Command::new(binary);
        command
            .arg("-p")
            .arg(folder)
            .arg("-c")
            .arg(configuration)
            .args(["-e", "stderr"]);
        command
    });
    (program, tls_port)
}

const ORIGIN: &str = "origin.internal.example.com";

/// The lines of nginx's log, once there are that many.
async fn log_of(program: &Program, count: usize) -> Vec<Value> {
    let file = program.folder().join("client.log");
    for _ in 0..500 {
        let text = fs::read_to_string(&file).unwrap_or_default();
        if text.lines().count() >= count {
            let lines = text.lines().map(serde_json::from_str);
            return lines.map(|line| line.expect("a line of JSON")).collect();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("nginx has not logged {count} requests");
}

#[tokio::test]
async fn nginx_logs_the_certificate() {
    let Some(binary) = find_or_skip("nginx as an origin", "nginx", "nginx-light", "NGINX_TEST")
    else {
        return;
    };
    let (program, _) = nginx(&binary);
    let mut first_request = configuration();
    first_request["settings"][0]["forward_on"] = "first_request".into();
    let envoy = Envoy::with_filter(first_request)
        .listener(Listener::optional())
        .start(&Origin::at(program.address()))
        .await;
    let client = Client::http1(&envoy).with(&pki().client).connect().await;
    for path in ["/first", "/second"] {
        assert_eq!(client.get("api.example.com", path).await.status, 204);
    }
    let anonymous = Client::http1(&envoy).connect().await;
    let request = Request::get("api.example.com", "/forged").header("cf-client-cert-sha256", "1");
    assert_eq!(anonymous.send(request).await.status, 204);
    let lines = log_of(&program, 3).await;
    let logged: Vec<_> = lines
        .iter()
        .map(|line| {
            (
                line["client_sha256"].as_str(),
                line["client_subject"].as_str(),
            )
        })
        .collect();
    let sha256 = pki().client.sha256();
    assert_eq!(
        logged,
        [
            (Some(sha256.as_str()), Some(SUBJECT)),
            (Some(""), Some(SUBJECT)),
            (Some(""), Some(""))
        ],
        "{lines:#?}"
    );
}

#[tokio::test]
async fn an_origin_behind_mutual_tls_takes_requests_from_envoy_alone() {
    let Some(binary) = find_or_skip(
        "the origin behind mutual TLS",
        "nginx",
        "nginx-light",
        "NGINX_TEST",
    ) else {
        return;
    };
    let (program, port) = nginx(&binary);
    let named = |name: &'static str| {
        pki().client_with(move |params| {
            params.distinguished_name = DistinguishedName::new();
            params.distinguished_name.push(DnType::CommonName, name);
        })
    };
    for (name, expected) in [
        ("envoy.internal.example.com", 204),
        ("another.example.com", 403),
    ] {
        let identity = named(name);
        let tls = program.folder().join("tls");
        for (file, content) in [
            ("envoy.crt", identity.chain_pem()),
            ("envoy.key", identity.key_pem()),
            ("origin-ca.crt", pki().ca_pem.clone()),
        ] {
            fs::write(tls.join(file), content).expect("a written file");
        }
        let text = read("mtls-cluster.yaml")
            .replace("/etc/envoy/tls", &tls.display().to_string())
            .replace(&format!("address: {ORIGIN},"), "address: 127.0.0.1,")
            .replace("port_value: 8443", &format!("port_value: {port}"));
        let cluster: Value = serde_saphyr::from_str(&text).expect("YAML");
        let envoy = Envoy::with_filter(configuration())
            .adapt(|bootstrap| bootstrap["static_resources"]["clusters"][0] = cluster)
            .start(&Origin::at(program.address()))
            .await;
        let client = Client::http2(&envoy).with(&pki().client).connect().await;
        let response = client.get("api.example.com", "/").await;
        assert_eq!(response.status, expected, "{name}: {response:?}");
    }
    let answer = answer_without_certificate(port).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

/// nginx's answer to a TLS client that presents nothing.
async fn answer_without_certificate(port: u16) -> String {
    let config = tls_config(None, &[&rustls::version::TLS13]);
    let stream = TcpStream::connect(("127.0.0.1", port))
        .await
        .expect("a connection");
    let name = ORIGIN.try_into().expect("a server name");
    let mut stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .expect("a TLS connection");
    let request = format!("GET / HTTP/1.1\r\nHost: {ORIGIN}\r\nConnection: close\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .await
        .expect("a written request");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}
