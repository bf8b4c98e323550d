//! The scene of most tests: an origin, an Envoy with the filter before it, and clients.

use crate::{
    client::{Client, Connector, Protocol},
    envoy::{Envoy, EnvoyBuilder},
    origin::Origin,
    pki::{Identity, pki},
};

/// An Envoy with the filter, and the origin behind it. Made by [`EnvoyBuilder::scene`].
pub struct Scene {
    /// The Envoy. It stops before its origin does.
    pub envoy: Envoy,
    /// The origin that records each request.
    pub origin: Origin,
}

impl EnvoyBuilder {
    /// Starts an origin and this Envoy before it.
    ///
    /// # Panics
    /// When Envoy doesn't start, with its log.
    pub async fn scene(self) -> Scene {
        self.scene_with(Origin::start().await).await
    }

    /// Starts this Envoy before that origin.
    ///
    /// # Panics
    /// When Envoy doesn't start, with its log.
    pub async fn scene_with(self, origin: Origin) -> Scene {
        let envoy = self.start(&origin).await;
        Scene { envoy, origin }
    }
}

impl Scene {
    /// Connects with the usual certificate, [`crate::pki::Pki::client`].
    ///
    /// # Panics
    /// When that fails.
    pub async fn connect(&self, protocol: Protocol) -> Client {
        self.connect_with(protocol, &pki().client).await
    }

    /// Connects with that certificate.
    ///
    /// # Panics
    /// When that fails.
    pub async fn connect_with(&self, protocol: Protocol, identity: &Identity) -> Client {
        self.client(protocol).with(identity).connect().await
    }

    /// Connects without a certificate.
    ///
    /// # Panics
    /// When that fails.
    pub async fn connect_without_certificate(&self, protocol: Protocol) -> Client {
        self.client(protocol).connect().await
    }

    /// A client to be told more before it connects.
    pub fn client(&self, protocol: Protocol) -> Connector<'_> {
        Client::over(protocol, &self.envoy)
    }
}
