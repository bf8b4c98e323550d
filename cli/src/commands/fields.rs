//! `ccf fields`.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use client_cert_forwarder::certificate::field::Field;
use client_cert_forwarder::certificate::{Certificate, Limits, PeerCertificateStatus};

use super::presented;
use crate::arguments::{Fields, Format};
use crate::output::{Exit, columns, print, print_json};

/// Nothing is too large for this command.
const UNLIMITED: Limits = Limits {
    max_certificate_bytes: usize::MAX,
    max_certificate_chain_bytes: usize::MAX,
};

pub(super) fn run(command: &Fields, format: Format) -> Result<Exit> {
    let presented = presented::read(&command.certificate)?;
    let certificate = Certificate::new(presented.leaf, presented.chain);
    let value = |field: Field| match PeerCertificateStatus::Verified.value(field) {
        Some(status) => status.to_owned(),
        None => certificate.value(field, &UNLIMITED),
    };
    if let Some(name) = &command.field {
        print(&format!("{}\n", value(named(name)?)))?;
        return Ok(Exit::Fine);
    }
    let mut fields: Vec<(&str, String)> = Field::ALL
        .iter()
        // `certVerify` is another name of `certVerified`.
        .filter(|(name, field)| field.name() == *name)
        .filter(|(_, field)| PeerCertificateStatus::Verified.value(*field).is_none())
        .map(|(name, field)| (*name, value(*field)))
        .collect();
    fields.retain(|(_, value)| !value.is_empty());
    match format {
        Format::Json => print_json(&fields.into_iter().collect::<BTreeMap<_, _>>())?,
        Format::Text => {
            let rows = fields.iter().map(|(name, value)| (*name, value.as_str()));
            print(&columns(rows))?;
        }
    }
    Ok(Exit::Fine)
}

fn named(name: &str) -> Result<Field> {
    match (Field::from_name(name), Field::nearest_name(name)) {
        (Some(field), _) => Ok(field),
        (None, Some(near)) => bail!("unknown field \"{name}\", did you mean \"{near}\"?"),
        (None, None) => bail!("unknown field \"{name}\": ccf fields lists all"),
    }
}
