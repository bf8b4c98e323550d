//! An nginx on a socket of its own that forwards its clients' certificates: the oracle for the
//! recipes that replace it.

use std::{
    env, fs,
    io::{Write, stderr},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use support::{Identity, Origin, connector::tls_config, envoy::spawn_watchdog, pki};
use tempfile::TempDir;
use tokio::net::UnixStream;
use tokio_rustls::TlsConnector;

/// A running nginx; dropping it stops it, and prints its log when the test has failed.
pub(crate) struct Nginx {
    process: Child,
    watchdog: Child,
    folder: TempDir,
}

impl Nginx {
    /// Starts an nginx that asks for a client certificate, accepts any or none, and sends each
    /// (name, value) of `headers` to the origin; values may be variables. Returns `None`, with a
    /// line on stderr, if nginx is not installed.
    ///
    /// # Panics
    /// When nginx doesn't start, or is not installed despite `NGINX_TEST=required`.
    pub(crate) async fn start(origin: &Origin, headers: &[(&str, &str)]) -> Option<Nginx> {
        let Some(binary) = binary() else {
            let missing = "nginx is missing: install it (Debian and Ubuntu: apt-get install nginx-light, macOS: brew install nginx) \
                 or name it in NGINX_BIN";
            assert_ne!(
                env::var("NGINX_TEST").as_deref(),
                Ok("required"),
                "{missing}"
            );
            // Past the capture of test output, which is not shown when a test passes.
            writeln!(stderr(), "comparison with nginx NOT RUN: {missing}")
                .expect("a line on stderr");
            return None;
        };
        let folder = tempfile::Builder::new()
            .prefix("nginx-test-")
            .tempdir()
            .expect("a temporary folder");
        let write = |name: &str, text: &str| {
            fs::write(folder.path().join(name), text).expect("a written file");
        };
        write("server.crt", &pki().server.chain_pem());
        write("server.key", &pki().server.key_pem());
        write("ca.crt", &pki().ca_pem);
        write("nginx.conf", &configuration(folder.path(), origin, headers));
        let process = Command::new(binary)
            .arg("-p")
            .arg(folder.path())
            .arg("-c")
            .arg(folder.path().join("nginx.conf"))
            .arg("-e")
            .arg(folder.path().join("error.log"))
            .stdin(Stdio::null())
            .spawn()
            .expect("nginx runs");
        let watchdog = spawn_watchdog(process.id());
        let mut nginx = Nginx {
            process,
            watchdog,
            folder,
        };
        nginx.wait_until_ready().await;
        Some(nginx)
    }

    /// Sends a GET for that path over a connection of its own and waits for the response.
    pub(crate) async fn get(&self, identity: Option<&Identity>, path: &str) {
        let socket = UnixStream::connect(self.socket())
            .await
            .expect("nginx's socket");
        let config = tls_config(identity, &[&rustls::version::TLS13]);
        let name = "api.example.com".try_into().expect("a server name");
        let stream = TlsConnector::from(Arc::new(config))
            .connect(name, socket)
            .await
            .expect("a TLS connection to nginx");
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake::<_, Empty<Bytes>>(TokioIo::new(stream))
                .await
                .expect("HTTP/1.1");
        tokio::spawn(connection);
        let request = http::Request::get(path)
            .header("host", "api.example.com")
            .body(Empty::new())
            .expect("a request");
        let response = sender
            .send_request(request)
            .await
            .expect("a response of nginx");
        assert_eq!(response.status(), 200, "{path}");
        response.into_body().collect().await.expect("a body");
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    async fn wait_until_ready(&mut self) {
        for _ in 0..500 {
            if UnixStream::connect(self.socket()).await.is_ok() {
                return;
            }
            let ended = self.process.try_wait().expect("a child process");
            assert!(ended.is_none(), "nginx ended: {}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("nginx did not start: {}", self.log());
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("error.log")).unwrap_or_default()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "--- nginx's log ---\n{}--- end of nginx's log ---",
                self.log()
            );
        }
        for process in [&mut self.watchdog, &mut self.process] {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// `NGINX_BIN`, or the nginx in the search path or where packages put it.
fn binary() -> Option<PathBuf> {
    if let Some(path) = env::var_os("NGINX_BIN") {
        return Some(PathBuf::from(path));
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    folders
        .map(|folder| folder.join("nginx"))
        .find(|candidate| candidate.is_file())
}

fn configuration(folder: &Path, origin: &Origin, headers: &[(&str, &str)]) -> String {
    let headers: String = headers
        .iter()
        .map(|(name, value)| format!("      proxy_set_header {name} {value};\n"))
        .collect();
    let folder = folder.display();
    let temporary_folders: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("  {kind}_temp_path {folder}/{kind};\n"))
        .concat();
    format!(
        "daemon off;
master_process off;
pid {folder}/pid;
events {{}}
http {{
  access_log off;
{temporary_folders}
  server {{
    listen unix:{folder}/socket ssl;
    ssl_protocols TLSv1.3;
    ssl_certificate {folder}/server.crt;
    ssl_certificate_key {folder}/server.key;
    ssl_client_certificate {folder}/ca.crt;
    ssl_verify_client optional_no_ca;
    ssl_verify_depth 3;
    location / {{
      proxy_pass http://{origin};
{headers}    }}
  }}
}}
",
        origin = origin.address()
    )
}
