//! Distinguished names: the filter's RFC 2253 text is taken apart again and compared with the
//! attributes that `x509-cert` reads.

use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::der::asn1::{
    AnyRef, BmpString, Ia5StringRef, PrintableStringRef, TeletexStringRef, Utf8StringRef,
};
use x509_cert::der::oid::db::DB;
use x509_cert::der::{Encode, Tag, Tagged};
use x509_cert::name::Name;

/// An attribute as the filter writes it.
struct Written<'a> {
    label: &'a str,
    value: &'a str,
}

/// `Err` tells the difference.
pub(crate) fn compare(text: &str, name: &Name) -> Result<(), String> {
    // An RDN without attributes leaves nothing in the text.
    let rdns: Vec<_> = name.iter_rdn().filter(|rdn| !rdn.is_empty()).collect();
    let written = if text.is_empty() {
        Vec::new()
    } else {
        split(text, ',')
    };
    if written.len() != rdns.len() {
        return Err(format!(
            "{} RDNs in {text:?}, x509-cert has {}",
            written.len(),
            rdns.len()
        ));
    }
    for (rdn, written) in rdns.iter().rev().zip(written) {
        let mut attributes: Vec<&AttributeTypeAndValue> = rdn.iter().collect();
        for attribute in split(written, '+') {
            let (label, value) = attribute.split_once('=').ok_or("no `=` in an attribute")?;
            let written = Written { label, value };
            // x509-cert sorts the attributes of an RDN, so their order says nothing.
            let position = attributes
                .iter()
                .position(|attribute| written.is(attribute))
                .ok_or_else(|| format!("x509-cert has no {label}={value} in {rdn}"))?;
            attributes.remove(position);
        }
        if !attributes.is_empty() {
            return Err(format!("{written:?} has less than {rdn}"));
        }
    }
    Ok(())
}

impl Written<'_> {
    fn is(&self, attribute: &AttributeTypeAndValue) -> bool {
        self.has_oid_of(attribute) && self.has_value_of(attribute)
    }

    /// A label that the database doesn't know is left to OpenSSL. So is `uid`, which is not
    /// LDAP's: OpenSSL calls that one `UID`, and the database folds case.
    fn has_oid_of(&self, attribute: &AttributeTypeAndValue) -> bool {
        if self.label.starts_with(|first: char| first.is_ascii_digit()) {
            return self.label == attribute.oid.to_string();
        }
        let known = DB.by_name(self.label).filter(|_| self.label != "uid");
        known.is_none_or(|oid| *oid == attribute.oid)
    }

    fn has_value_of(&self, attribute: &AttributeTypeAndValue) -> bool {
        if let Some(hex) = self.value.strip_prefix('#').filter(|hex| !hex.is_empty()) {
            let der = attribute.value.to_der().expect("DER that was read");
            let expected: String = der.iter().map(|octet| format!("{octet:02X}")).collect();
            return hex == expected;
        }
        let value = attribute.value.to_ref();
        decoded(value).is_none_or(|expected| unescaped(self.value) == expected)
    }
}

/// The characters of a string in UTF-8; `None` where `x509-cert` has no type for the string, or
/// refuses the characters in it: those are left to OpenSSL.
fn decoded(value: AnyRef<'_>) -> Option<Vec<u8>> {
    let text = match value.tag() {
        Tag::Utf8String => value.decode_as::<Utf8StringRef<'_>>().ok()?.to_string(),
        Tag::PrintableString => value
            .decode_as::<PrintableStringRef<'_>>()
            .ok()?
            .to_string(),
        Tag::Ia5String => value.decode_as::<Ia5StringRef<'_>>().ok()?.to_string(),
        Tag::TeletexString => value.decode_as::<TeletexStringRef<'_>>().ok()?.to_string(),
        Tag::BmpString => value.decode_as::<BmpString>().ok()?.to_string(),
        _ => return None,
    };
    Some(text.into_bytes())
}

/// Splits where the separator has no backslash before it.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut is_escaped = false;
    text.split(|character| {
        let was_escaped = is_escaped;
        is_escaped = character == '\\' && !was_escaped;
        character == separator && !was_escaped
    })
    .collect()
}

/// Undoes the escapes of RFC 2253 §2.4: `\` and two hex digits, or `\` and the character itself.
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after
            .get(..2)
            .filter(|two| two.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.and_then(|two| str::from_utf8(two).ok());
        let code = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
        let (byte, length) = match (first, code) {
            (b'\\', Some(code)) => (code, 3),
            (b'\\', None) => (after[0], 2),
            _ => (*first, 1),
        };
        bytes.push(byte);
        rest = &rest[length..];
    }
    bytes
}
