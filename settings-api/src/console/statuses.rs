//! The status of the fleet, as the API answers it.

use serde::Deserialize;

use super::access::resources;
use super::api_calls::ApiCalls;
use super::problem::Problem;
use super::visitor::Visitor;
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
    /// The CRLs whose entries it has.
    #[serde(default)]
    pub(super) crls: Vec<CrlStatus>,
}

/// The status of one watched file of CRLs.
#[derive(Debug, Deserialize)]
pub(super) struct CrlStatus {
    /// Its name in the base configuration.
    pub(super) file: String,
    /// Whether its latest content is in force, and current.
    pub(super) valid: bool,
    /// The lists in force.
    pub(super) lists: Vec<CrlListStatus>,
    /// Why the latest content isn't in force, or isn't current.
    pub(super) error: Option<String>,
}

/// The status of one CRL.
#[derive(Debug, Deserialize)]
pub(super) struct CrlListStatus {
    /// The issuer.
    pub(super) issuer_dn: String,
    /// Its number, in hexadecimal digits.
    pub(super) number: Option<String>,
    /// When it was issued (RFC 3339).
    pub(super) this_update: String,
    /// When it expires (RFC 3339).
    pub(super) next_update: Option<String>,
    /// The revoked certificates in it.
    pub(super) entries: usize,
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
