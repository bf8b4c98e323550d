//! Names: values of every type, every attribute, and odd structures.

use super::Case;
use std::ops::RangeInclusive;
use support::der::{
    Attribute, BIT_STRING, BMP, COMMON_NAME, IA5, NUMERIC, PRINTABLE, REAL, SEQUENCE, TELETEX,
    Template, UNIVERSAL, UTF8, attribute, name, tlv,
};

/// Values of every type, with each character that is escaped somewhere; each value in an RDN of its
/// own.
pub(super) fn values() -> Vec<Case> {
    let mut table: Vec<Vec<(u8, Vec<u8>)>> = [
        (UTF8, "Zoë, \"Q\" <z@example.com>; a+b=c\\d/e#f".into()),
        (UTF8, "名前 😀 \u{7ff}\u{800}\u{ffff}\u{10ffff}".into()),
        (UTF8, (0..0x80).collect()),
        (UTF8, b"a\0b\r\nc\td\x7f".to_vec()),
        (NUMERIC, b"0123 456".to_vec()),
        (PRINTABLE, b"A-Z (x) '+,-./:=?".to_vec()),
        (PRINTABLE, b"not *printable* \xe9".to_vec()),
        (TELETEX, (0x20..=0xff).collect()),
        (IA5, b"user@example.com\x80\xff".to_vec()),
        (BMP, big_endian_16("Zoë, 名前+ #")),
        (BMP, b"\0\0\0\n\xff\xfd".to_vec()),
        (UNIVERSAL, big_endian_32("Zoë, 名前+ 😀")),
        (BIT_STRING, b"\0a\xff".to_vec()),
        (BIT_STRING, b"\x04a\xf0".to_vec()),
        (SEQUENCE, tlv(UTF8, b"a/b")),
        (REAL, b"\x03/1".to_vec()),
    ]
    .map(|value| vec![value])
    .to_vec();
    for text in [
        "", " ", "#", "  ", "##", " #", "# ", " a", "a ", "#a", "a#", " a ", "#a#", ",", "\\",
        "\"", "=", "/", "+", "\n", "é",
    ] {
        let latin1 = text.chars().map(|character| character as u8).collect();
        table.push(vec![
            (UTF8, text.into()),
            (IA5, latin1),
            (BMP, big_endian_16(text)),
            (UNIVERSAL, big_endian_32(text)),
        ]);
    }
    table
        .into_iter()
        .map(|values| {
            let label = values
                .iter()
                .map(|(tag, value)| format!("{tag:#04x} {}", value.escape_ascii()));
            let label = format!("values {}", label.collect::<Vec<_>>().join(", "));
            let mut rdns: Vec<Vec<Attribute>> = values
                .iter()
                .map(|(tag, value)| vec![attribute(COMMON_NAME, *tag, value)])
                .collect();
            let subject = name(&rdns);
            rdns.reverse();
            Case::new(
                label,
                &Template {
                    subject,
                    issuer: name(&rdns),
                    ..Template::plain()
                },
            )
        })
        .collect()
}

fn big_endian_16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

fn big_endian_32(text: &str) -> Vec<u8> {
    text.chars()
        .flat_map(|character| u32::from(character).to_be_bytes())
        .collect()
}

/// Every attribute that OpenSSL has a short name for, a dozen in each certificate.
pub(super) fn known_attributes() -> Vec<Case> {
    let ranges: [(&str, RangeInclusive<u32>); 13] = [
        ("2.5.4", 3..=54),
        ("2.5.4", 65..=65),
        ("2.5.4", 72..=72),
        ("2.5.4", 97..=100),
        ("0.9.2342.19200300.100.1", 1..=15),
        ("0.9.2342.19200300.100.1", 20..=31),
        ("0.9.2342.19200300.100.1", 37..=56),
        ("1.2.840.113549.1.9", 1..=9),
        ("1.2.840.113549.1.9", 14..=16),
        ("1.2.840.113549.1.9", 20..=21),
        ("1.3.6.1.4.1.311.60.2.1", 1..=3),
        ("1.3.6.1.5.5.7.9", 1..=5),
        ("1.2.643.100", 1..=5),
    ];
    let single = [
        "1.2.643.3.131.1.1",
        "1.2.643.100.111",
        "1.2.643.100.112",
        "1.2.643.100.113",
        "1.3.6.1.4.1.311.20.2.3",
    ];
    let oids: Vec<String> = ranges
        .into_iter()
        .flat_map(|(prefix, range)| range.map(move |arc| format!("{prefix}.{arc}")))
        .chain(single.map(str::to_owned))
        .collect();
    oids.chunks(12)
        .map(|oids| {
            let rdns: Vec<Vec<Attribute>> = oids
                .iter()
                .map(|oid| vec![attribute(oid, UTF8, b"a")])
                .collect();
            Case::new(
                format!("attributes {}", oids.join(" ")),
                &Template {
                    subject: name(&rdns),
                    ..Template::plain()
                },
            )
        })
        .collect()
}

pub(super) fn names() -> Vec<Case> {
    let common_name = |value: &str| attribute(COMMON_NAME, UTF8, value.as_bytes());
    let unknown = |oid: &str| attribute(oid, UTF8, b"value");
    let table = [
        ("empty names", vec![]),
        ("an empty RDN", vec![vec![]]),
        (
            "empty RDNs between others",
            vec![
                vec![],
                vec![common_name("a")],
                vec![],
                vec![common_name("b")],
                vec![],
            ],
        ),
        (
            "a multi-valued RDN",
            vec![vec![
                common_name("a"),
                attribute("2.5.4.10", UTF8, b"o"),
                attribute("2.5.4.11", UTF8, b"u"),
            ]],
        ),
        (
            "multi-valued RDNs in a row",
            vec![
                vec![common_name("a"), common_name("b")],
                vec![common_name("c"), common_name("d")],
            ],
        ),
        (
            "the same attribute twice",
            vec![vec![common_name("a")], vec![common_name("a")]],
        ),
        (
            "a value that looks like more",
            vec![vec![common_name("a,CN=admin/CN=admin+CN=admin")]],
        ),
        (
            "unknown attributes",
            vec![
                vec![unknown("1.2.3")],
                vec![unknown("2.999.1")],
                vec![unknown("0.0")],
                vec![unknown("1.39.99999")],
            ],
        ),
        (
            "an unknown attribute among known ones",
            vec![vec![
                common_name("a"),
                unknown("1.3.6.1.4.1.99999.1"),
                common_name("b"),
            ]],
        ),
        (
            "an unknown attribute of another type",
            vec![vec![
                attribute("1.2.3", BMP, b"\0a\0b"),
                attribute("1.2.3", BIT_STRING, b"\0a"),
            ]],
        ),
        (
            "the OID of a UUID",
            vec![vec![unknown(
                "2.25.340282366920938463463374607431768211375",
            )]],
        ),
        (
            "a long OID",
            vec![vec![unknown(&format!("1.2{}", ".1000".repeat(40)))]],
        ),
        (
            "a long value",
            vec![vec![common_name(&"long, ".repeat(1000))]],
        ),
        ("many RDNs", vec![vec![common_name("a")]; 300]),
    ];
    table
        .into_iter()
        .map(|(label, rdns)| {
            Case::new(
                label,
                &Template {
                    subject: name(&rdns),
                    issuer: name(&rdns),
                    ..Template::plain()
                },
            )
        })
        .collect()
}
