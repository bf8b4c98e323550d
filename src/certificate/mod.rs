//! The client certificate: from the PEM that Envoy gives to the values that headers carry.
