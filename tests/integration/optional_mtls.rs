//! optional_mtls
