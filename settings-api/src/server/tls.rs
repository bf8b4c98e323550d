//! TLS configurations from PEM files.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use crate::error::Error;

/// The files of one server's TLS configuration.
#[derive(Clone, Debug)]
pub(super) struct TlsFiles {
    /// The server's name in errors.
    pub(super) server: &'static str,
    /// The certificate chain (PEM).
    pub(super) certificate: PathBuf,
    /// The private key (PEM).
    pub(super) key: PathBuf,
    /// The CA of client certificates (PEM); without it clients need none.
    pub(super) client_ca: Option<PathBuf>,
    /// The protocols to negotiate (ALPN).
    pub(super) alpn: &'static [&'static [u8]],
}

impl TlsFiles {
    /// Loads the files.
    ///
    /// # Errors
    /// The file that can't be used, and the reason.
    pub(super) fn load(&self) -> Result<Arc<ServerConfig>, Error> {
        let chain = self.certificates("certificate", &self.certificate)?;
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|error| self.error("key", &self.key, error))?;
        let builder = ServerConfig::builder();
        let builder = match &self.client_ca {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let mut roots = RootCertStore::empty();
                for certificate in self.certificates("client CA", path)? {
                    roots
                        .add(certificate)
                        .map_err(|error| self.error("client CA", path, error))?;
                }
                let verifier = WebPkiClientVerifier::builder(Arc::new(roots))
                    .build()
                    .map_err(|error| self.error("client CA", path, error))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder
            .with_single_cert(chain, key)
            .map_err(|error| self.error("certificate", &self.certificate, error))?;
        config.alpn_protocols = self.alpn.iter().map(|name| name.to_vec()).collect();
        Ok(Arc::new(config))
    }

    fn certificates(&self, kind: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
        let certificates = CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| self.error(kind, path, error))?;
        if certificates.is_empty() {
            return Err(self.error(kind, path, "holds no certificate"));
        }
        Ok(certificates)
    }

    fn error(&self, kind: &str, path: &Path, reason: impl Display) -> Error {
        Error::new(&format!("{} {kind}", self.server), path.display(), reason)
    }
}
