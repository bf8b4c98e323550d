//! The connection and the request that are to be explained.

use crate::authority;
use crate::certificate::{Certificate, xfcc};
use crate::config::Config;
use crate::connection::{Handshake, Presented};

/// What the client does.
#[derive(Clone, Debug, Default)]
pub struct Client {
    /// The host that it asks for, with or without a port.
    pub host: String,
    /// The TLS server name; by default the host's.
    pub server_name: Option<String>,
    /// Further headers of the request.
    pub headers: Vec<(String, String)>,
    /// The certificate that it presents.
    pub certificate: Option<ClientCertificate>,
}

/// A certificate as a client presents it, in DER.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    /// The certificate itself.
    pub leaf: Vec<u8>,
    /// The certificates after it.
    pub chain: Vec<Vec<u8>>,
    /// Whether Envoy verified it.
    pub is_verified: bool,
}

/// The connection and the request as Envoy shows them to the filter.
#[derive(Debug)]
pub struct Scenario {
    pub(super) handshake: Handshake,
    /// The request's headers, pseudo-headers first.
    pub(super) headers: Vec<(String, String)>,
}

const XFCC: &str = "x-forwarded-client-cert";

impl Scenario {
    /// Works out what Envoy shows of a client.
    #[must_use]
    pub fn new(client: Client, config: &Config) -> Self {
        let server_name = server_name(&client);
        let mut headers = vec![
            (":method".to_owned(), "GET".to_owned()),
            (":path".to_owned(), "/".to_owned()),
            (":authority".to_owned(), client.host),
        ];
        headers.extend(client.headers);
        let presented = presented(client.certificate, config);
        if config.chain_from_xfcc && presented != Presented::Nothing {
            // The connection manager writes it, whatever the client sent.
            headers.retain(|(name, _)| name != XFCC);
            headers.push((XFCC.to_owned(), "Chain=…".to_owned()));
        }
        Self {
            handshake: Handshake {
                server_name: Some(server_name.into_bytes()),
                presented,
            },
            headers,
        }
    }

    /// Returns the certificate, where the client presents one.
    pub(super) fn certificate(&self) -> Option<Certificate> {
        match &self.handshake.presented {
            Presented::Certificate { leaf, chain, .. } => {
                Some(Certificate::new(leaf.clone(), chain.clone()))
            }
            _ => None,
        }
    }
}

fn presented(certificate: Option<ClientCertificate>, config: &Config) -> Presented {
    let Some(certificate) = certificate else {
        return Presented::Nothing;
    };
    let leaf = certificate.leaf;
    let all = std::iter::once(leaf.clone()).chain(certificate.chain);
    let chain = match config.chain_from_xfcc {
        true => xfcc::without_leaf(all.collect(), &leaf),
        false => Vec::new(),
    };
    Presented::Certificate {
        leaf,
        chain,
        is_verified: certificate.is_verified,
    }
}

/// Clients send the host that they want, without its port, and nothing for an IP address
/// (RFC 6066 §3).
fn server_name(client: &Client) -> String {
    if let Some(name) = &client.server_name {
        return name.clone();
    }
    let hostname = authority::hostname(client.host.as_bytes());
    let name = String::from_utf8_lossy(&hostname).into_owned();
    let is_address = name.parse::<std::net::IpAddr>().is_ok() || name.contains(':');
    if is_address { String::new() } else { name }
}
