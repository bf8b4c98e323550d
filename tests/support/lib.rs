//! What the integration tests share: Envoy, an origin, clients and a PKI.
