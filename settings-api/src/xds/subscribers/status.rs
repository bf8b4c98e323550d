//! The status of one subscriber with respect to one resource.

use serde::{Deserialize, Serialize};

/// One Envoy's status with respect to the version in force, as `…/status` shows it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SubscriberStatus {
    /// `node.id`
    pub(crate) node: String,
    /// `node.cluster`
    pub(crate) cluster: String,
    /// The protocol of its stream.
    pub(crate) protocol: ProtocolKind,
    /// Its answer to the version in force.
    pub(crate) state: SubscriberState,
    /// When its stream began (RFC 3339).
    pub(crate) connected: String,
    /// When it answered last, or else subscribed (RFC 3339).
    pub(crate) since: String,
    /// The version that it accepted last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) accepted_version: Option<String>,
    /// Its reason for rejecting the version in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// The replica that it is connected to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) replica: Option<String>,
}

/// A subscriber's answer to the version in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SubscriberState {
    /// It has it (ACK).
    Accepted,
    /// It rejected it (NACK) and keeps its last good one.
    Rejected,
    /// It has not answered yet.
    Pending,
}

/// The xDS protocol of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ProtocolKind {
    /// State of the world.
    Sotw,
    /// Delta.
    Delta,
}
