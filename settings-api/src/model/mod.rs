//! Settings, the base configuration, and how they merge into a snapshot. No I/O but `Base::load`.

pub(crate) mod audit;
pub(crate) mod base;
pub(crate) mod body;
pub(crate) mod crl_source;
mod deployment;
pub(crate) mod entry;
pub(crate) mod merge;
pub(crate) mod provenance;
pub(crate) mod resource_template;
pub(crate) mod scope;
pub(crate) mod snapshot;
pub(crate) mod wasm_filter;
mod zone_borders;
