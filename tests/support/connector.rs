//! Connects clients: protocol, TLS, certificate, server name, and resumption of an earlier session.

use std::{net::SocketAddr, sync::Arc};

use quinn::crypto::rustls::QuicClientConfig;
use rustls::{
    ClientConfig, HandshakeKind, RootCertStore, SupportedProtocolVersion,
    crypto::ring::sign::any_supported_type,
    pki_types::ServerName,
    sign::{CertifiedKey, SingleCertAndKey},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use crate::{
    client::{Client, Error, Link},
    envoy::Envoy,
    fields::{FieldsConnection, Http2, Http3},
    listener::Tls,
    pki::{Identity, pki},
    raw::RawConnection,
    version::envoy_version,
};

/// The protocols that clients speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1 with keep-alive.
    Http1,
    /// HTTP/2.
    Http2,
    /// HTTP/3 over QUIC.
    Http3,
}

/// All protocols, for tests that hold for each.
pub const PROTOCOLS: [Protocol; 3] = [Protocol::Http1, Protocol::Http2, Protocol::Http3];

/// The protocols over which this Envoy can ask for a client certificate.
pub fn mtls_protocols() -> &'static [Protocol] {
    if envoy_version().has_quic_client_certificates() {
        &PROTOCOLS
    } else {
        &[Protocol::Http1, Protocol::Http2]
    }
}

/// A connection to be configured; [`Connector::connect`] opens it.
pub struct Connector<'a> {
    envoy: &'a Envoy,
    protocol: Protocol,
    listener: String,
    server_name: String,
    identity: Option<&'a Identity>,
    tls12: bool,
}

impl<'a> Connector<'a> {
    pub(crate) fn new(envoy: &'a Envoy, protocol: Protocol) -> Connector<'a> {
        Connector {
            envoy,
            protocol,
            listener: "main".to_owned(),
            server_name: "api.example.com".to_owned(),
            identity: None,
            tls12: false,
        }
    }

    /// Presents that certificate; without it the client has none.
    pub fn with(mut self, identity: &'a Identity) -> Connector<'a> {
        self.identity = Some(identity);
        self
    }

    /// Connects to that listener; without it to `main`.
    pub fn listener(mut self, name: &str) -> Connector<'a> {
        name.clone_into(&mut self.listener);
        self
    }

    /// Asks for that server name; without it for `api.example.com`.
    pub fn sni(mut self, name: &str) -> Connector<'a> {
        name.clone_into(&mut self.server_name);
        self
    }

    /// Asks for no server name.
    pub fn no_sni(self) -> Connector<'a> {
        // For an address TLS sends no server name, and the server's certificate has the address.
        self.sni("127.0.0.1")
    }

    /// Speaks TLS 1.2 instead of 1.3.
    pub fn tls12(mut self) -> Connector<'a> {
        self.tls12 = true;
        self
    }

    /// Connects.
    ///
    /// # Panics
    /// When that fails. In TLS 1.3 a server refuses a client's certificate only afterwards: then
    /// the first request fails.
    pub async fn connect(self) -> Client {
        self.try_connect()
            .await
            .unwrap_or_else(|error| panic!("no connection to Envoy: {error}"))
    }

    /// Connects.
    ///
    /// # Errors
    /// When the handshake fails.
    pub async fn try_connect(self) -> Result<Client, Error> {
        self.target().connect().await
    }

    /// Connects for bytes that no HTTP library would send.
    ///
    /// # Panics
    /// When that fails.
    pub async fn connect_raw(self) -> RawConnection {
        let target = self.target();
        let stream = target.connect_tcp().await.expect("a connection to Envoy");
        RawConnection::new(stream.io)
    }

    /// Connects for header fields that no HTTP library would send.
    ///
    /// # Panics
    /// When that fails.
    pub async fn connect_fields(self) -> FieldsConnection {
        let target = self.target();
        if target.protocol == Protocol::Http3 {
            let (endpoint, connection) = target.quic().await.expect("a connection to Envoy");
            return FieldsConnection::Http3(Http3::new(endpoint, connection).await);
        }
        let stream = target.connect_tcp().await.expect("a connection to Envoy");
        FieldsConnection::Http2(Http2::new(stream.io).await)
    }

    fn target(&self) -> Target {
        let listener = match self.protocol {
            Protocol::Http3 => format!("{}-quic", self.listener),
            _ => self.listener.clone(),
        };
        let encrypted = self.envoy.tls(&self.listener) != Tls::Plaintext;
        Target {
            protocol: self.protocol,
            address: self.envoy.address(&listener),
            server_name: ServerName::try_from(self.server_name.clone()).expect("a server name"),
            tls: encrypted.then(|| Arc::new(self.tls_config())),
        }
    }

    fn tls_config(&self) -> ClientConfig {
        let versions: &[_] = if self.tls12 {
            &[&rustls::version::TLS12]
        } else {
            &[&rustls::version::TLS13]
        };
        let mut config = tls_config(self.identity, versions);
        config.alpn_protocols = vec![match self.protocol {
            Protocol::Http1 => b"http/1.1".to_vec(),
            Protocol::Http2 => b"h2".to_vec(),
            Protocol::Http3 => b"h3".to_vec(),
        }];
        config
    }
}

/// The TLS of a client that trusts the test's CA and presents that certificate.
///
/// # Panics
/// When the private key can't be used.
pub fn tls_config(
    identity: Option<&Identity>,
    versions: &[&'static SupportedProtocolVersion],
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates([pki().ca_der.clone()]);
    let builder =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(versions)
            .expect("a TLS version")
            .with_root_certificates(roots);
    match identity {
        // Not `with_client_auth_cert`, which refuses a certificate that rustls can't read.
        Some(identity) => {
            let key = any_supported_type(&identity.private_key()).expect("a private key");
            let certified = CertifiedKey::new(identity.chain.clone(), key);
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified)))
        }
        None => builder.with_no_client_auth(),
    }
}

/// The target of a client, to which it can reconnect with the sessions that its TLS configuration
/// has saved.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) protocol: Protocol,
    address: SocketAddr,
    server_name: ServerName<'static>,
    tls: Option<Arc<ClientConfig>>,
}

pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

struct TcpConnection {
    io: Box<dyn Stream>,
    resumed: bool,
}

impl Target {
    pub(crate) async fn connect(self) -> Result<Client, Error> {
        let (link, resumed) = match self.protocol {
            Protocol::Http1 => {
                let stream = self.connect_tcp().await?;
                (Link::http1(stream.io).await?, stream.resumed)
            }
            Protocol::Http2 => {
                let stream = self.connect_tcp().await?;
                (Link::http2(stream.io).await?, stream.resumed)
            }
            Protocol::Http3 => (self.connect_quic().await?, false),
        };
        Ok(Client::new(self, link, resumed))
    }

    async fn connect_tcp(&self) -> Result<TcpConnection, Error> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let Some(config) = &self.tls else {
            return Ok(TcpConnection {
                io: Box::new(stream),
                resumed: false,
            });
        };
        let stream = TlsConnector::from(Arc::clone(config))
            .connect(self.server_name.clone(), stream)
            .await?;
        let resumed = stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed);
        Ok(TcpConnection {
            io: Box::new(stream),
            resumed,
        })
    }

    async fn connect_quic(&self) -> Result<Link, Error> {
        let (endpoint, connection) = self.quic().await?;
        Link::http3(endpoint, connection).await
    }

    async fn quic(&self) -> Result<(quinn::Endpoint, quinn::Connection), Error> {
        let config = self.tls.as_deref().ok_or("HTTP/3 needs TLS")?.clone();
        let mut config = quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(config)?));
        config.transport_config(Arc::new(quic_transport()));
        let endpoint = quinn::Endpoint::client(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let connection = endpoint
            .connect_with(config, self.address, &self.server_name.to_str())?
            .await?;
        Ok((endpoint, connection))
    }
}

/// Without segmentation offload: on loopback such batches arrive in one piece and Envoy drops them
/// (`downstream_rx_datagram_dropped`), so a handshake with a large certificate may never end.
fn quic_transport() -> quinn::TransportConfig {
    let mut transport = quinn::TransportConfig::default();
    transport.enable_segmentation_offload(false);
    transport
}
