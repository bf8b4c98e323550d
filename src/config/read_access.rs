//! From JSON to the entries of `allow_client_certificates` and `revoked_certificates`.

use super::identifiers;
use super::json::Json;
use super::path::Place;
use super::reader::{Keys, Reader};
use super::schema::{AllowedCertificate, RevokedCertificate};

/// Reads an allow list; the compiler checks the texts.
pub(super) fn allowed_certificates(
    reader: &mut Reader<'_>,
    json: &Json<'_>,
    place: &Place<'_>,
) -> Vec<AllowedCertificate> {
    let items = reader.items(json, place).unwrap_or_default();
    let mut entries = Vec::with_capacity(items.len());
    for (number, item) in items.iter().enumerate() {
        let mut entry = AllowedCertificate::default();
        reader.object(
            item,
            &place.index(number),
            &ALLOWED,
            &mut |reader, key, value, at| {
                let slot = match key {
                    "sha256" => &mut entry.sha256,
                    "subject_dn" => &mut entry.subject_dn,
                    "issuer_dn" => &mut entry.issuer_dn,
                    "san_dns" => &mut entry.san_dns,
                    "san_uri" => &mut entry.san_uri,
                    "san_email" => &mut entry.san_email,
                    _ => return false,
                };
                *slot = Some(reader.text(value, at).unwrap_or_default().to_owned());
                true
            },
        );
        entries.push(entry);
    }
    entries
}

const ALLOWED: Keys = Keys {
    own: &[
        "sha256",
        "subject_dn",
        "issuer_dn",
        "san_dns",
        "san_uri",
        "san_email",
    ],
    required: &[],
    elsewhere: (&["serial"], "into \"revoked_certificates\""),
};

/// An entry of `revoked_certificates`, checked.
pub(crate) enum Revoked<'a> {
    Sha256([u8; 32]),
    /// The serial number in its one form.
    Serial {
        issuer_dn: &'a str,
        serial: String,
    },
}

impl From<&Revoked<'_>> for RevokedCertificate {
    fn from(revoked: &Revoked<'_>) -> Self {
        match revoked {
            Revoked::Sha256(sha256) => Self::Fingerprint {
                sha256: sha256.iter().map(|octet| format!("{octet:02x}")).collect(),
            },
            Revoked::Serial { issuer_dn, serial } => Self::Serial {
                issuer_dn: (*issuer_dn).to_owned(),
                serial: serial.clone(),
            },
        }
    }
}

/// Reads entries one by one into `add`: a list may be so long that no second copy is wanted.
pub(super) fn revoked_certificates(
    reader: &mut Reader<'_>,
    json: &Json<'_>,
    place: &Place<'_>,
    add: &mut dyn FnMut(&Revoked<'_>),
) {
    let items = reader.items(json, place).unwrap_or_default();
    for (number, item) in items.iter().enumerate() {
        if let Some(revoked) = revoked_certificate(reader, item, &place.index(number)) {
            add(&revoked);
        }
    }
}

const REVOKED: Keys = Keys {
    own: &["sha256", "issuer_dn", "serial"],
    required: &[],
    elsewhere: (
        &["subject_dn", "san_dns", "san_uri", "san_email"],
        "into \"allow_client_certificates\"",
    ),
};

fn revoked_certificate<'j>(
    reader: &mut Reader<'_>,
    json: &'j Json<'_>,
    place: &Place<'_>,
) -> Option<Revoked<'j>> {
    let (mut sha256, mut issuer_dn, mut serial) = (None, None, None);
    reader.object(json, place, &REVOKED, &mut |reader, key, value, at| {
        let slot = match key {
            "sha256" => &mut sha256,
            "issuer_dn" => &mut issuer_dn,
            "serial" => &mut serial,
            _ => return false,
        };
        *slot = Some(reader.text(value, at).unwrap_or_default());
        true
    });
    match (sha256, issuer_dn, serial) {
        (Some(text), None, None) => {
            let digest = checked(reader, &place.key("sha256"), identifiers::sha256(text))?;
            Some(Revoked::Sha256(digest))
        }
        (None, Some(issuer_dn), Some(text)) => {
            let name = identifiers::distinguished_name(issuer_dn);
            checked(reader, &place.key("issuer_dn"), name)?;
            let serial = checked(reader, &place.key("serial"), identifiers::serial(text))?;
            Some(Revoked::Serial { issuer_dn, serial })
        }
        _ => {
            reader.error(
                place,
                "needs either \"sha256\", or \"issuer_dn\" and \"serial\"",
            );
            None
        }
    }
}

fn checked<T>(reader: &mut Reader<'_>, place: &Place<'_>, outcome: Result<T, String>) -> Option<T> {
    match outcome {
        Ok(value) => Some(value),
        Err(reason) => {
            reader.error(place, reason);
            None
        }
    }
}
