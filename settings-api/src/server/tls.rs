//! TLS configurations from PEM files.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use crate::error::Error;

/// The files of one server's TLS configuration.
#[derive(Clone, Debug)]
pub(super) struct TlsFiles {
    /// The server's name in errors.
    pub(super) server: &'static str,
    /// The options that name the certificate and the key.
    pub(super) options: [&'static str; 2],
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
        let key = self.private_key()?;
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
            .map_err(|error| match error {
                rustls::Error::InconsistentKeys(_) => {
                    let certificate = self.certificate.display();
                    let reason = format!("does not belong to the certificate in {certificate}");
                    self.error("key", &self.key, reason)
                }
                _ => self.error("certificate", &self.certificate, error),
            })?;
        config.alpn_protocols = self.alpn.iter().map(|name| name.to_vec()).collect();
        Ok(Arc::new(config))
    }

    /// Lists the files.
    pub(super) fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        [&self.certificate, &self.key]
            .into_iter()
            .chain(self.client_ca.as_ref())
    }

    fn certificates(&self, kind: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
        let certificates = CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| self.error(kind, path, error))?;
        if certificates.is_empty() {
            let is_key = PrivateKeyDer::from_pem_file(path).is_ok();
            let reason = match is_key {
                true => format!("holds a private key and no certificate{}", self.swapped()),
                false => "holds no certificate (PEM)".to_owned(),
            };
            return Err(self.error(kind, path, reason));
        }
        Ok(certificates)
    }

    fn private_key(&self) -> Result<PrivateKeyDer<'static>, Error> {
        PrivateKeyDer::from_pem_file(&self.key).map_err(|error| {
            let reason = match (&error, CertificateDer::from_pem_file(&self.key)) {
                (pem::Error::NoItemsFound, Ok(_)) => {
                    format!("holds a certificate and no private key{}", self.swapped())
                }
                (pem::Error::NoItemsFound, Err(_)) => "holds no private key (PEM)".to_owned(),
                (error, _) => error.to_string(),
            };
            self.error("key", &self.key, reason)
        })
    }

    /// Asks about the options, if the certificate's file holds a key.
    fn swapped(&self) -> String {
        let is_swapped = PrivateKeyDer::from_pem_file(&self.certificate).is_ok();
        let [certificate, key] = self.options;
        match is_swapped {
            true => format!(": are {certificate} and {key} swapped?"),
            false => String::new(),
        }
    }

    fn error(&self, kind: &str, path: &Path, reason: impl Display) -> Error {
        Error::new(&format!("{} {kind}", self.server), path.display(), reason)
    }
}
