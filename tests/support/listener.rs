//! One of Envoy's listeners: the clients that may connect, and the filters that their requests
//! pass.

use serde_json::Value;

use crate::version::envoy_version;

/// The client certificates that a listener accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// No TLS.
    Plaintext,
    /// A certificate that the CA vouches for, or no connection.
    Strict,
    /// A certificate that the CA vouches for, or none.
    Optional,
    /// Any certificate, verified or not, or none (`trust_chain_verification: ACCEPT_UNTRUSTED`).
    AcceptUntrusted,
}

/// A listener on TCP, and on QUIC too with [`Listener::http3`].
#[derive(Clone, Debug)]
pub struct Listener {
    pub(crate) name: String,
    pub(crate) tls: Tls,
    pub(crate) http3: bool,
    pub(crate) resumption: bool,
    pub(crate) tls_inspector: bool,
    pub(crate) forward_client_cert: Option<&'static str>,
    pub(crate) connection_manager: Vec<(&'static str, Value)>,
    pub(crate) filters_before: Vec<Value>,
    pub(crate) filters_after: Vec<Value>,
    pub(crate) access_log: Option<&'static str>,
}

impl Listener {
    /// Requires a certificate that the CA vouches for.
    pub fn strict() -> Listener {
        Listener::new(Tls::Strict)
    }

    /// Takes a certificate that the CA vouches for, or none.
    pub fn optional() -> Listener {
        Listener::new(Tls::Optional)
    }

    /// Takes any certificate, or none.
    pub fn accept_untrusted() -> Listener {
        Listener::new(Tls::AcceptUntrusted)
    }

    /// Speaks no TLS.
    pub fn plaintext() -> Listener {
        Listener::new(Tls::Plaintext)
    }

    /// Gives it another name than `main`, for [`crate::client::Connector::listener`].
    pub fn named(mut self, name: &str) -> Listener {
        self.name = name.to_owned();
        self
    }

    /// Listens on QUIC too.
    pub fn http3(mut self) -> Listener {
        self.http3 = true;
        self
    }

    /// Listens on QUIC too if this Envoy can ask for a client certificate there: for clients over
    /// [`crate::mtls_protocols`].
    pub fn every_mtls_protocol(mut self) -> Listener {
        self.http3 = envoy_version().has_quic_client_certificates();
        self
    }

    /// Turns both ways of TLS session resumption off.
    pub fn no_resumption(mut self) -> Listener {
        self.resumption = false;
        self
    }

    /// Omits the listener filter from which Envoy learns the server name of a TLS connection on
    /// TCP.
    pub fn no_tls_inspector(mut self) -> Listener {
        self.tls_inspector = false;
        self
    }

    /// Sets `forward_client_cert_details`, with every detail that the mode can forward.
    pub fn forward_client_cert(mut self, mode: &'static str) -> Listener {
        self.forward_client_cert = Some(mode);
        self
    }

    /// Sets a field of the HTTP connection manager.
    pub fn connection_manager(mut self, field: &'static str, value: Value) -> Listener {
        self.connection_manager.push((field, value));
        self
    }

    /// Puts an HTTP filter before the wasm filter.
    pub fn filter_before(mut self, filter: Value) -> Listener {
        self.filters_before.push(filter);
        self
    }

    /// Puts an HTTP filter after the wasm filter.
    pub fn filter_after(mut self, filter: Value) -> Listener {
        self.filters_after.push(filter);
        self
    }

    /// Writes a line of that format into Envoy's log for each request that is over.
    pub fn access_log(mut self, format: &'static str) -> Listener {
        self.access_log = Some(format);
        self
    }

    fn new(tls: Tls) -> Listener {
        Listener {
            name: "main".to_owned(),
            tls,
            http3: false,
            resumption: true,
            tls_inspector: true,
            forward_client_cert: None,
            connection_manager: Vec::new(),
            filters_before: Vec::new(),
            filters_after: Vec::new(),
            access_log: None,
        }
    }
}
