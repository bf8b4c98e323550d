//! The filter in a real Envoy, from the client's first byte to the origin.
