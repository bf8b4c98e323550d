//! The status of the fleet, as the API answers it.

use serde::Deserialize;

use crate::console::access::resources;
use crate::console::api_calls::ApiCalls;
use crate::console::problem::Problem;
use crate::console::visitor::Visitor;
use crate::model::base::Base;

/// The status of one ECDS resource.
#[derive(Debug, Deserialize)]
pub(super) struct ResourceStatus {
    /// Its name.
    pub(super) resource: String,
    /// The version in force.
    pub(super) version: String,
    /// When the version came into force (RFC 3339).
    #[serde(default)]
    pub(super) published: String,
    /// Envoys that accepted the version.
    pub(super) accepted: usize,
    /// Envoys that rejected the version.
    pub(super) rejected: usize,
    /// Envoys that have not answered.
    pub(super) pending: usize,
    /// The Envoys.
    pub(super) subscribers: Vec<SubscriberStatus>,
}

/// The status of one Envoy.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct SubscriberStatus {
    /// `node.id`
    pub(super) node: String,
    /// `node.cluster`
    pub(super) cluster: String,
    /// Its answer to the version in force.
    pub(super) state: State,
    /// The version that it accepted last.
    pub(super) accepted_version: Option<String>,
    /// Its reason for rejecting the version in force.
    pub(super) error: Option<String>,
    /// When it answered last, or subscribed (RFC 3339).
    #[serde(default)]
    pub(super) since: String,
    /// When its stream began (RFC 3339).
    #[serde(default)]
    pub(super) connected: String,
}

/// An Envoy's answer. Those that need attention come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// It rejected the version in force.
    Rejected,
    /// It has not answered yet.
    Pending,
    /// It has the version in force.
    Accepted,
}

impl State {
    /// The name in queries and on the page.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Pending => "pending",
            Self::Accepted => "accepted",
        }
    }
}

/// Gets the statuses of the resources that the visitor's token may see, and the API's messages.
///
/// # Errors
/// The API's refusal.
pub(super) async fn statuses(
    api: &ApiCalls,
    base: &Base,
    visitor: &Visitor,
) -> Result<(Vec<ResourceStatus>, Vec<String>), Problem> {
    let (mut found, mut messages) = (Vec::<ResourceStatus>::new(), Vec::new());
    for (name, scope) in resources(base, &visitor.token) {
        if found.iter().any(|status| status.resource == name) {
            continue;
        }
        let answer = api
            .get::<Vec<ResourceStatus>>(visitor, &scope, "/status")
            .await?;
        messages.extend(answer.messages);
        for status in answer.result {
            if !found.iter().any(|known| known.resource == status.resource) {
                found.push(status);
            }
        }
    }
    found.sort_by(|one, other| one.resource.cmp(&other.resource));
    messages.sort();
    messages.dedup();
    Ok((found, messages))
}
