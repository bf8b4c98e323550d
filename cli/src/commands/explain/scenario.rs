//! The connection and the request that are to be explained.

use anyhow::Result;
use client_cert_forwarder::authority;
use client_cert_forwarder::certificate::{Certificate, xfcc};
use client_cert_forwarder::config::Config;
use client_cert_forwarder::connection::{Handshake, Presented};

use crate::arguments::Explain;
use crate::commands::presented;

/// What the client does.
#[derive(Debug)]
pub(super) struct Scenario {
    pub(super) handshake: Handshake,
    /// The request's headers, pseudo-headers first.
    pub(super) headers: Vec<(String, String)>,
}

impl Scenario {
    /// Reads the certificates.
    ///
    /// # Errors
    /// When a file can't be read.
    pub(super) fn new(command: &Explain, config: &Config) -> Result<Self> {
        let mut headers = vec![
            (":method".to_owned(), "GET".to_owned()),
            (":path".to_owned(), "/".to_owned()),
            (":authority".to_owned(), command.host.clone()),
        ];
        headers.extend(command.headers.iter().cloned());
        let presented = presented(command, config)?;
        if config.chain_from_xfcc && presented != Presented::Nothing {
            // The connection manager writes it, whatever the client sent.
            headers.retain(|(name, _)| name != XFCC);
            headers.push((XFCC.to_owned(), "Chain=…".to_owned()));
        }
        Ok(Self {
            handshake: Handshake {
                server_name: Some(server_name(command).into_bytes()),
                presented,
            },
            headers,
        })
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

const XFCC: &str = "x-forwarded-client-cert";

fn presented(command: &Explain, config: &Config) -> Result<Presented> {
    let Some(input) = &command.cert else {
        return Ok(Presented::Nothing);
    };
    let presented::Presented { leaf, mut chain } = presented::read(input)?;
    if let Some(input) = &command.chain {
        chain.extend(presented::read_all(input)?);
    }
    let all = std::iter::once(leaf.clone()).chain(chain).collect();
    let chain = if config.chain_from_xfcc {
        xfcc::without_leaf(all, &leaf)
    } else {
        Vec::new()
    };
    Ok(Presented::Certificate {
        leaf,
        chain,
        is_verified: !command.unverified,
    })
}

/// Clients send the host that they want, without its port, and nothing for an IP address
/// (RFC 6066 §3).
fn server_name(command: &Explain) -> String {
    if let Some(name) = &command.sni {
        return name.clone();
    }
    let hostname = authority::hostname(command.host.as_bytes());
    let name = String::from_utf8_lossy(&hostname).into_owned();
    let is_address = name.parse::<std::net::IpAddr>().is_ok() || name.contains(':');
    if is_address { String::new() } else { name }
}
