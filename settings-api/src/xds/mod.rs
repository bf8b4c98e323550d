//! Delivers snapshots to Envoys, and tracks their answers.

mod bounds;
mod delta;
mod files;
mod fleet;
mod messages;
mod service;
mod sotw;
mod stream;
pub(crate) mod subscribers;
mod subscriptions;
mod typed_struct;

pub(crate) use files::Files;
pub(crate) use fleet::Fleet;
pub(crate) use service::DiscoveryService;
