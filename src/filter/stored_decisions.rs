//! Stores with the connection what was decided, for Envoy to carry out on the fast path.

use crate::certificate::PeerCertificateStatus;
use crate::config::Config;
use crate::config::compiled::Setting;
use crate::connection::PeerCertificate;
use crate::decision::may_send;
use crate::hostcalls::Hostcalls;
use crate::stored_decision::{
    PROPERTY, StoredDecision, field_property, is_of, unverified_property, with_entry,
};

/// Returns the properties that `config` may store, each once.
pub(crate) fn properties(config: &Config) -> impl Iterator<Item = String> + '_ {
    let fields = config.fields.iter().flat_map(|field| {
        let unverified = config
            .forwards_unverified
            .then(|| unverified_property(*field));
        std::iter::once(field_property(*field)).chain(unverified)
    });
    std::iter::once(PROPERTY.to_owned()).chain(fields)
}

/// Returns what requests for `setting` may be told, once this one was; `None` where each is to be
/// decided.
pub(super) fn of(setting: &Setting, status: PeerCertificateStatus) -> Option<StoredDecision> {
    if !setting.replays_fields() {
        return Some(StoredDecision::Nothing);
    }
    match status {
        PeerCertificateStatus::Unreadable => None,
        PeerCertificateStatus::Verified => Some(StoredDecision::Fields),
        _ if may_send(setting, status) => Some(StoredDecision::Unverified),
        _ => Some(StoredDecision::Status),
    }
}

/// Makes the stored fields those of `config`, if they are not. Whether they are now.
pub(super) fn store_fields(
    envoy: &impl Hostcalls,
    config: &Config,
    certificate: &PeerCertificate,
) -> bool {
    let stored = envoy.property(PROPERTY);
    if stored.is_some_and(|value| is_of(&value, &config.mark)) {
        return true;
    }
    // Before the first field: none of another configuration's tokens may stand beside these.
    envoy.set_connection_property(PROPERTY, b"")
        && write_fields(envoy, config, certificate)
        && envoy.set_connection_property(PROPERTY, config.mark.as_bytes())
}

/// Adds a decision, unless another configuration has stored its fields meanwhile.
pub(super) fn add(
    envoy: &impl Hostcalls,
    config: &Config,
    setting: &Setting,
    decision: StoredDecision,
) {
    let stored = envoy.property(PROPERTY);
    let ours = stored.filter(|value| is_of(value, &config.mark));
    if let Some(value) = ours.and_then(|value| with_entry(&value, &decision.entry(&setting.token)))
    {
        envoy.set_connection_property(PROPERTY, &value);
    }
}

fn write_fields(envoy: &impl Hostcalls, config: &Config, certificate: &PeerCertificate) -> bool {
    let is_verified = certificate.status == PeerCertificateStatus::Verified;
    let write = |name: String, value: &[u8]| envoy.set_connection_property(&name, value);
    config.fields.iter().enumerate().all(|(slot, field)| {
        if let Some(value) = certificate.status.value(*field) {
            return write(field_property(*field), value.as_bytes());
        }
        let value = certificate.value(slot);
        let trusted = if is_verified { value } else { b"" };
        write(field_property(*field), trusted)
            && (is_verified
                || !config.forwards_unverified
                || write(unverified_property(*field), value))
    })
}
