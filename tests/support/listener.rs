//! One of Envoy's listeners: who may connect, and what their requests pass.

use serde_json::Value;

/// What the listener asks of a client.
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
    pub(crate) forward_client_cert: Option<&'static str>,
    pub(crate) filters_before: Vec<Value>,
    pub(crate) filters_after: Vec<Value>,
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

    /// Turns both ways of TLS session resumption off.
    pub fn no_resumption(mut self) -> Listener {
        self.resumption = false;
        self
    }

    /// Sets `forward_client_cert_details`, with every detail that the mode can forward.
    pub fn forward_client_cert(mut self, mode: &'static str) -> Listener {
        self.forward_client_cert = Some(mode);
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

    fn new(tls: Tls) -> Listener {
        Listener {
            name: "main".to_owned(),
            tls,
            http3: false,
            resumption: true,
            forward_client_cert: None,
            filters_before: Vec::new(),
            filters_after: Vec::new(),
        }
    }
}
