//! Distinguished names: the filter's RFC 2253 text is taken apart again and compared with the
//! attributes that `x509-cert` reads.

use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::der::asn1::{AnyRef, BmpString, Ia5StringRef, PrintableStringRef, TeletexStringRef};
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::oid::db::DB;
use x509_cert::der::{Encode, Tag, Tagged};
use x509_cert::name::Name;

/// An attribute as the filter writes it.
#[derive(Debug)]
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
        // x509-cert sorts the attributes of an RDN, so their order says nothing. A label that the
        // database doesn't know fits each OID, so it comes last.
        let mut of_rdn = split(written, '+')
            .into_iter()
            .map(|attribute| attribute.split_once('='))
            .map(|parts| parts.map(|(label, value)| Written { label, value }))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| format!("an attribute without `=` in {text:?}"))?;
        of_rdn.sort_by_key(|written| !written.is_dotted() && written.known_oid().is_none());
        for written in of_rdn {
            let position = attributes
                .iter()
                .position(|attribute| written.is(attribute))
                .ok_or_else(|| format!("x509-cert has no {written:?} in {rdn}"))?;
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

    fn has_oid_of(&self, attribute: &AttributeTypeAndValue) -> bool {
        if self.is_dotted() {
            return self.label == attribute.oid.to_string();
        }
        self.known_oid().is_none_or(|oid| *oid == attribute.oid)
    }

    fn is_dotted(&self) -> bool {
        self.label.starts_with(|first: char| first.is_ascii_digit())
    }

    /// The database's OID of the label. Other labels are left to OpenSSL. So is `uid`, which is not
    /// LDAP's: OpenSSL calls that one `UID`, and the database folds case.
    fn known_oid(&self) -> Option<&'static ObjectIdentifier> {
        DB.by_name(self.label).filter(|_| self.label != "uid")
    }

    fn has_value_of(&self, attribute: &AttributeTypeAndValue) -> bool {
        if let Some(hex) = self.value.strip_prefix('#').filter(|hex| !hex.is_empty()) {
            let der = attribute.value.to_der().expect("DER that was read");
            let expected: String = der.iter().map(|octet| format!("{octet:02X}")).collect();
            return hex == expected;
        }
        unescaped(self.value) == decoded(attribute.value.to_ref())
    }
}

/// The characters of a string in UTF-8. Where `x509-cert` has no type for the string, or refuses
/// the characters in it, the octets are Latin-1, as OpenSSL has it.
fn decoded(value: AnyRef<'_>) -> Vec<u8> {
    let text = match value.tag() {
        // The filter escapes each octet beyond ASCII, valid or not.
        Tag::Utf8String => return value.value().to_vec(),
        Tag::PrintableString => value
            .decode_as()
            .map(|text: PrintableStringRef<'_>| text.to_string()),
        Tag::Ia5String => value
            .decode_as()
            .map(|text: Ia5StringRef<'_>| text.to_string()),
        Tag::TeletexString => value
            .decode_as()
            .map(|text: TeletexStringRef<'_>| text.to_string()),
        Tag::BmpString => value.decode_as().map(|text: BmpString| text.to_string()),
        tag => Err(tag.value_error().into()),
    };
    let latin1 = || value.value().iter().copied().map(char::from).collect();
    text.unwrap_or_else(|_| latin1()).into_bytes()
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
