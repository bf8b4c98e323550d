//! The files in `envoy/`, installed as their comments say, in a folder of the test's own.

use std::{fs, net::SocketAddr, path::Path};

use tempfile::TempDir;

use crate::pki::pki;

/// The files that the examples expect under `/etc/envoy`: the module, and certificates in `tls/`.
pub struct Installation {
    folder: TempDir,
}

impl Installation {
    /// Puts that module and the certificates of [`pki`] in place.
    pub fn new(module: &Path) -> Installation {
        let folder = tempfile::Builder::new()
            .prefix("envoy-example-")
            .tempdir()
            .expect("a temporary folder");
        fs::copy(module, folder.path().join("client_cert_forwarder.wasm")).expect("a copied file");
        fs::create_dir(folder.path().join("tls")).expect("a new folder");
        let installation = Installation { folder };
        for (name, content) in [
            ("server.crt", pki().server.chain_pem()),
            ("server.key", pki().server.key_pem()),
            ("client-ca.crt", pki().ca_pem.clone()),
            ("ca.crt", pki().ca_pem.clone()),
        ] {
            fs::write(installation.path().join("tls").join(name), content).expect("a written file");
        }
        installation
    }

    /// The folder that takes the place of `/etc/envoy`.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The text of an example with that folder in it, on ephemeral ports of loopback.
    pub fn adapt(&self, example: &str) -> String {
        example
            .replace("/etc/envoy", &self.path().display().to_string())
            .replace("address: 0.0.0.0", "address: 127.0.0.1")
            .replace("port_value: 8443", "port_value: 0")
            .replace("port_value: 9901", "port_value: 0")
    }

    /// The same with that origin.
    pub fn adapt_to(&self, example: &str, origin: SocketAddr) -> String {
        let port = format!("port_value: {}", origin.port());
        let adapted = self.adapt(example);
        assert!(
            adapted.contains("port_value: 8080"),
            "an example has its origin on port 8080"
        );
        adapted
            .replace("address: origin,", "address: 127.0.0.1,")
            .replace("port_value: 8080", &port)
    }
}
