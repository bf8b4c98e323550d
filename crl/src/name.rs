//! Comparing names (RFC 5280 §7.1).

use der::asn1::Any;
use der::{Tag, Tagged};
use x509_cert::name::Name;

/// Whether two names are equal, folding ASCII case, runs of spaces and the type of the string, as
/// OpenSSL does. Attributes of one RDN may come in any order.
pub(crate) fn is_same(a: &Name, b: &Name) -> bool {
    a.len() == b.len()
        && a.iter_rdn()
            .zip(b.iter_rdn())
            .all(|(a, b)| attributes(a.iter()) == attributes(b.iter()))
}

type Attribute = (String, Value);

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    /// Characters, folded.
    Text(String),
    /// Tag and contents octets of another type.
    Other(Tag, Vec<u8>),
}

fn attributes<'a>(
    attributes: impl Iterator<Item = &'a x509_cert::attr::AttributeTypeAndValue>,
) -> Vec<Attribute> {
    let mut attributes: Vec<Attribute> = attributes
        .map(|attribute| (attribute.oid.to_string(), value(&attribute.value)))
        .collect();
    attributes.sort();
    attributes
}

fn value(value: &Any) -> Value {
    let octets = value.value();
    let text = match value.tag() {
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String | Tag::VisibleString => {
            str::from_utf8(octets).ok().map(str::to_owned)
        }
        // Read as Latin-1, as OpenSSL does.
        Tag::TeletexString => Some(octets.iter().copied().map(char::from).collect()),
        Tag::BmpString => utf_16(octets),
        _ => None,
    };
    match text {
        Some(text) => Value::Text(folded(&text)),
        None => Value::Other(value.tag(), octets.to_vec()),
    }
}

fn utf_16(octets: &[u8]) -> Option<String> {
    let (units, []) = octets.as_chunks::<2>() else {
        return None;
    };
    let units: Vec<u16> = units.iter().copied().map(u16::from_be_bytes).collect();
    String::from_utf16(&units).ok()
}

fn folded(text: &str) -> String {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    words.join(" ").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::str::FromStr;

    #[test]
    fn names_are_equal_however_case_spaces_and_types_differ() {
        let table = [
            ("CN=Example CA,O=Example", "CN=example  ca ,O=EXAMPLE", true),
            ("CN=Example CA+OU=a", "OU=a+CN=Example CA", true),
            ("CN=Example CA,O=Example", "O=Example,CN=Example CA", false),
            ("CN=Example CA", "CN=ExampleCA", false),
            ("CN=Example CA", "O=Example CA", false),
            ("CN=Example CA", "CN=Example CA,CN=Example CA", false),
            ("CN=\u{c9}cole", "CN=\u{e9}cole", false),
        ];
        for (a, b, expected) in table {
            let (a, b) = (Name::from_str(a).unwrap(), Name::from_str(b).unwrap());
            assert_eq!(is_same(&a, &b), expected, "{a} | {b}");
        }
    }

    #[test]
    fn values_of_all_text_types_are_compared_as_characters() {
        let utf8 = value(&Any::new(Tag::Utf8String, "\u{e9} A".as_bytes()).unwrap());
        for (tag, octets) in [
            (Tag::TeletexString, b"\xe9 a".as_slice()),
            (Tag::BmpString, b"\0\xe9\0 \0A"),
        ] {
            assert_eq!(value(&Any::new(tag, octets).unwrap()), utf8, "{tag}");
        }
        let other = value(&Any::new(Tag::OctetString, "\u{e9} A".as_bytes()).unwrap());
        assert_ne!(other, utf8);
    }
}
