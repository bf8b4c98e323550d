//! Follows the image to a gateway: a registry, another client that pulls it, the gateways' rules,
//! and Envoy.
//!
//! Needs Debian's `docker-registry` and `skopeo`, which `make peers` installs. Without them the
//! test reports that it did not run, and fails if `REGISTRY_TEST=required`, as in CI.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed test ends there"
)]

use std::env;
use std::fs;
use std::io::{Write, stderr};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use support::{Client, Envoy, Installation, Listener, Origin, pki, wasm::repository, wasm_module};

#[tokio::test]
async fn the_pushed_image_is_pulled_unchanged_accepted_and_runs_in_envoy() {
    if let Some(missing) = missing_program() {
        let message =
            format!("{missing} is missing (Debian: apt-get install docker-registry skopeo)");
        assert_ne!(
            env::var("REGISTRY_TEST").as_deref(),
            Ok("required"),
            "{message}"
        );
        // Written past the harness, which hides the output of tests that pass.
        writeln!(stderr(), "registry test NOT RUN: {message}").expect("a line on stderr");
        return;
    }
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| scratch.path().join(name).display().to_string();
    let module = wasm_module().display().to_string();
    let xtask = env!("CARGO_BIN_EXE_xtask");

    let output = run(
        xtask,
        &[
            "image",
            "--module",
            &module,
            "--layout",
            &path("image"),
            "--kubernetes",
            &path("kubernetes"),
        ],
    );
    let digest = after(&output, "pin this digest: ");
    let pinned = fs::read_to_string(path("kubernetes/istio.yaml")).expect("a pinned manifest");
    assert!(
        pinned.contains(&format!("sha256: \"{digest}\"")),
        "{pinned}"
    );

    let registry = Registry::start(scratch.path());
    let image = format!("{}/filters/client-cert-forwarder", registry.address);
    let output = run(
        xtask,
        &["push", &format!("{image}:test"), "--layout", &path("image")],
    );
    let reference = format!("{image}@sha256:{digest}");
    assert_eq!(after(&output, "pushed "), reference);

    for source in [&reference, &format!("{image}:test")] {
        let pulled = path("pulled");
        run(
            "skopeo",
            &[
                "--insecure-policy",
                "copy",
                "--src-tls-verify=false",
                &format!("docker://{source}"),
                &format!("oci:{pulled}"),
            ],
        );
        run(
            xtask,
            &[
                "check-image",
                &pulled,
                "--sha256",
                digest,
                "--extract",
                &path("plugin.wasm"),
            ],
        );
        fs::remove_dir_all(&pulled).expect("a removed folder");
    }
    assert_eq!(
        fs::read(path("plugin.wasm")).expect("the pulled module"),
        fs::read(&module).expect("the built module")
    );
    assert_forwards(&scratch.path().join("plugin.wasm")).await;
}

/// Checks that the module forwards a certificate in an Envoy with `envoy/envoy.yaml`.
async fn assert_forwards(module: &Path) {
    let origin = Origin::start().await;
    let installation = Installation::new(module);
    let example =
        fs::read_to_string(repository().join("envoy/envoy.yaml")).expect("the shipped bootstrap");
    let bootstrap = installation.adapt_to(&example, origin.address());
    let envoy = Envoy::with_bootstrap(bootstrap)
        .listener(Listener::strict().named("https"))
        .start(&origin)
        .await;
    let client = Client::http2(&envoy)
        .listener("https")
        .with(&pki().client)
        .connect()
        .await;
    client.get("api.example.com", "/").await;
    assert_eq!(
        origin.only_request().header("cf-client-cert-sha256"),
        Some(pki().client.sha256().as_str())
    );
}

fn missing_program() -> Option<&'static str> {
    ["docker-registry", "skopeo"].into_iter().find(|program| {
        Command::new(program)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_err()
    })
}

/// Runs a program and returns its output.
fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{program} does not run: {error}"));
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("text")
}

/// Returns the rest of the line that starts so, without the digest's algorithm.
fn after<'a>(output: &'a str, start: &str) -> &'a str {
    let rest = output
        .lines()
        .find_map(|line| line.strip_prefix(start))
        .unwrap_or_else(|| panic!("no line {start:?} in {output}"));
    rest.strip_prefix("sha256:").unwrap_or(rest)
}

/// A registry on loopback with its images in a folder of the test; stopped when dropped.
struct Registry {
    process: Child,
    address: SocketAddr,
}

impl Registry {
    fn start(folder: &Path) -> Registry {
        // The registry cannot choose a free port itself.
        let address = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a free port");
        let config = folder.join("registry.yaml");
        let root = folder.join("registry");
        let log = fs::File::create(folder.join("registry.log")).expect("a log file");
        fs::write(
            &config,
            format!(
                "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: {address}\n",
                root.display()
            ),
        )
        .expect("a written file");
        let process = Command::new("docker-registry")
            .arg("serve")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("docker-registry runs");
        let registry = Registry { process, address };
        let start = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(
                start.elapsed() < Duration::from_secs(30),
                "docker-registry does not answer: {}",
                fs::read_to_string(folder.join("registry.log")).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        registry
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
