//! Istio and Envoy Gateway.

use crate::check::Finding;
use crate::configurations::FailurePolicy;

pub(super) fn check(policy: &FailurePolicy) -> Option<Finding> {
    let right = policy.right;
    policy.is_open.then(|| {
        Finding::error(
            policy.line,
            &policy.path,
            format!("lets requests pass without the filter, with headers that clients forged: set {right}"),
        )
    })
}
