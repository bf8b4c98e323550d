//! Explains the filter: its decisions about two requests of one connection, as values for people.
//! Never part of the wasm module.

mod request;
mod scenario;

pub use request::{
    Explained, ExplainedRefusal, ExplainedRequest, HeaderLine, MissingHeader, SettingName,
};
pub use scenario::{Client, ClientCertificate, Scenario};
