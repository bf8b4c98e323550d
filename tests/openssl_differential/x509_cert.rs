//! The crate `x509-cert` as a second oracle: it decodes a certificate into types, where OpenSSL
//! prints text and the filter walks elements.

use super::typed_names;
use client_cert_forwarder::certificate::field::Field;
use std::net::IpAddr;
use x509_cert::certificate::{CertificateInner, Raw, TbsCertificateInner};
use x509_cert::der::oid::AssociatedOid;
use x509_cert::der::{DateTime, Decode};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, SubjectAltName, SubjectKeyIdentifier};
use x509_cert::time::Time;

/// A part of a certificate that `x509-cert` refuses by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Certificate,
    SubjectKeyId,
    AuthorityKeyId,
    AlternativeNames,
}

/// The comparison of one certificate.
#[derive(Default)]
pub(crate) struct Comparison {
    /// The parts that `x509-cert` refuses, so that nothing of them was compared.
    pub(crate) refused: Vec<Part>,
    /// One line for each difference.
    pub(crate) differences: Vec<String>,
}

/// Compares `value`, the filter's texts, with the parts that `x509-cert` reads in its profile
/// without checks.
pub(crate) fn compare(der: &[u8], value: impl Fn(Field) -> String) -> Comparison {
    let mut comparison = Comparison::default();
    let Ok(certificate) = CertificateInner::<Raw>::from_der(der) else {
        comparison.refused.push(Part::Certificate);
        return comparison;
    };
    let tbs = certificate.tbs_certificate();
    let mut expected = vec![(Field::CertSerial, serial(tbs.serial_number().as_bytes()))];
    expected.extend(dates(tbs));
    let parts = [
        (Part::SubjectKeyId, subject_key_id(tbs)),
        (Part::AuthorityKeyId, authority_key_id(tbs)),
        (Part::AlternativeNames, alternative_names(tbs)),
    ];
    for (part, fields) in parts {
        match fields {
            Some(fields) => expected.extend(fields),
            None => comparison.refused.push(part),
        }
    }

    for (field, expected) in expected {
        let actual = value(field);
        if actual != expected {
            let line = format!("{field:?}:\n  x509-cert {expected:?}\n  ours      {actual:?}");
            comparison.differences.push(line);
        }
    }
    for (field, name) in [
        (Field::CertSubjectDn, tbs.subject()),
        (Field::CertIssuerDn, tbs.issuer()),
    ] {
        if let Err(difference) = typed_names::compare(&value(field), name) {
            comparison
                .differences
                .push(format!("{field:?}: {difference}"));
        }
    }
    comparison
}

/// The text of a two's complement number.
fn serial(octets: &[u8]) -> String {
    let is_negative = octets.first().is_some_and(|first| first & 0x80 != 0);
    // 0 - number, from the last octet to the first.
    let mut borrow = 0;
    let mut magnitude: Vec<u8> = octets.iter().rev().copied().collect();
    for octet in magnitude.iter_mut().filter(|_| is_negative) {
        let difference = 0x100 - u16::from(*octet) - borrow;
        borrow = u16::from(difference < 0x100);
        *octet = difference as u8;
    }
    while magnitude.len() > 1 && magnitude.last() == Some(&0) {
        magnitude.pop();
    }
    magnitude.reverse();
    let sign = if is_negative { "-" } else { "" };
    format!("{sign}{}", upper_hex(&magnitude))
}

fn dates(tbs: &TbsCertificateInner<Raw>) -> [(Field, String); 4] {
    let date = |time: &Time| match time {
        Time::UtcTime(time) => time.to_date_time(),
        Time::GeneralTime(time) => time.to_date_time(),
    };
    let validity = tbs.validity();
    let (start, end) = (date(&validity.not_before), date(&validity.not_after));
    [
        (Field::CertNotBefore, openssl_date(start)),
        (Field::CertNotAfter, openssl_date(end)),
        (Field::CertNotBeforeRfc3339, start.to_string()),
        (Field::CertNotAfterRfc3339, end.to_string()),
    ]
}

fn openssl_date(date: DateTime) -> String {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let month = usize::from(date.month() - 1) * 3;
    format!(
        "{} {:2} {:02}:{:02}:{:02} {} GMT",
        &MONTHS[month..month + 3],
        date.day(),
        date.hour(),
        date.minutes(),
        date.seconds(),
        date.year()
    )
}

/// Fields with their texts; `None` when `x509-cert` refuses the extension.
type Fields = Option<Vec<(Field, String)>>;

fn subject_key_id(tbs: &TbsCertificateInner<Raw>) -> Fields {
    let id = extension::<SubjectKeyIdentifier>(tbs)?;
    let text = id.map_or_else(String::new, |id| upper_hex(id.0.as_bytes()));
    Some(vec![(Field::CertSki, text)])
}

fn authority_key_id(tbs: &TbsCertificateInner<Raw>) -> Fields {
    let id = extension::<AuthorityKeyIdentifier>(tbs)?.unwrap_or_default();
    let key_id = id.key_identifier.map(|id| upper_hex(id.as_bytes()));
    let number = id
        .authority_cert_serial_number
        .map(|number| serial(number.as_bytes()));
    Some(vec![
        (Field::CertIssuerSki, key_id.unwrap_or_default()),
        (Field::CertIssuerSerial, number.unwrap_or_default()),
    ])
}

fn alternative_names(tbs: &TbsCertificateInner<Raw>) -> Fields {
    let names = extension::<SubjectAltName>(tbs)?.map_or_else(Vec::new, |names| names.0);
    let list = |select: fn(&GeneralName) -> Option<String>| {
        // Consumers split the list at commas: see `san.rs`.
        let is_listed = |name: &String| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic() && byte != b',')
        };
        let listed: Vec<String> = names.iter().filter_map(select).filter(is_listed).collect();
        listed.join(",")
    };
    Some(vec![
        (
            Field::CertSanDns,
            list(|name| match name {
                GeneralName::DnsName(name) => Some(name.to_string()),
                _ => None,
            }),
        ),
        (
            Field::CertSanUri,
            list(|name| match name {
                GeneralName::UniformResourceIdentifier(name) => Some(name.to_string()),
                _ => None,
            }),
        ),
        (
            Field::CertSanEmail,
            list(|name| match name {
                GeneralName::Rfc822Name(name) => Some(name.to_string()),
                _ => None,
            }),
        ),
        (
            Field::CertSanIp,
            list(|name| match name {
                GeneralName::IpAddress(octets) => address(octets.as_bytes()),
                _ => None,
            }),
        ),
    ])
}

fn address(octets: &[u8]) -> Option<String> {
    let address: IpAddr = match octets.len() {
        4 => <[u8; 4]>::try_from(octets).ok()?.into(),
        _ => <[u8; 16]>::try_from(octets).ok()?.into(),
    };
    Some(address.to_string())
}

/// The extension of this type; `None` when it is refused or there twice.
fn extension<'a, T: Decode<'a> + AssociatedOid>(
    tbs: &'a TbsCertificateInner<Raw>,
) -> Option<Option<T>> {
    let found = tbs.get_extension::<T>().ok()?;
    Some(found.map(|(_is_critical, extension)| extension))
}

fn upper_hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}
