//! Hand-made certificates: one for every corner that is known, and random ones.

use crate::der::{
    Attribute, BMP, COMMON_NAME, GENERALIZED_TIME, IA5, NUMERIC, PRINTABLE, TELETEX, Template,
    UNIVERSAL, UTC_TIME, UTF8, attribute, extension, name, sequence, tlv,
};
use client_cert_forwarder::certificate::field::Field;
use fastrand::Rng;
use std::ops::RangeInclusive;

const RANDOM_CERTIFICATES: usize = 180;

const BIT_STRING: u8 = 0x03;
const REAL: u8 = 0x09;
const SEQUENCE: u8 = 0x30;

const SUBJECT_KEY_ID: &str = "2.5.29.14";
const AUTHORITY_KEY_ID: &str = "2.5.29.35";
const ALTERNATIVE_NAME: &str = "2.5.29.17";

/// One certificate, with what it is about.
pub(crate) struct Case {
    pub(crate) label: String,
    pub(crate) der: Vec<u8>,
}

impl Case {
    fn new(label: impl Into<String>, template: &Template) -> Case {
        Case {
            label: label.into(),
            der: template.der(),
        }
    }
}

pub(crate) fn hand_made() -> Vec<Case> {
    [
        values(),
        known_attributes(),
        names(),
        serials(),
        dates(),
        extensions(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Values of every type, with everything that is escaped somewhere; each value in an RDN of its own.
fn values() -> Vec<Case> {
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
fn known_attributes() -> Vec<Case> {
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

fn names() -> Vec<Case> {
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

fn serials() -> Vec<Case> {
    let table: [&[u8]; 18] = [
        &[0],
        &[1],
        &[0x7f],
        &[0, 0x80],
        &[0, 0xff],
        &[0x80],
        &[0x81],
        &[0xff],
        &[0xff, 0],
        &[0xff, 0x7f],
        &[0x80, 0],
        &[0x80, 0, 0, 0, 0, 0, 0, 0, 0],
        &[0, 0x93, 0x6e, 0xac, 0xbe, 0x07, 0xf2, 0x01, 0xdf],
        &[0x7f; 20],
        &[0x9c; 20],
        &[0x12; 35],
        &[0x12; 36],
        &[0x9c; 120],
    ];
    table
        .into_iter()
        .map(|serial| {
            let authority = tlv(0xa1, &tlv(0xa4, &Template::plain().issuer));
            // OpenSSL leaves out the sign of this one; ours has the form of any other serial.
            let is_negative = serial[0] & 0x80 != 0;
            let extensions = if is_negative {
                vec![]
            } else {
                vec![extension(
                    AUTHORITY_KEY_ID,
                    false,
                    &sequence(&[authority, tlv(0x82, serial)]),
                )]
            };
            let template = Template {
                serial: serial.to_vec(),
                extensions,
                ..Template::plain()
            };
            Case::new(format!("serial {}", serial.escape_ascii()), &template)
        })
        .collect()
}

fn dates() -> Vec<Case> {
    let table = [
        (UTC_TIME, "500101000000Z"),
        (UTC_TIME, "491231235959Z"),
        (UTC_TIME, "690720201700Z"),
        (UTC_TIME, "000229120000Z"),
        (UTC_TIME, "2405050001Z"),
        (UTC_TIME, "240505000160Z"),
        (UTC_TIME, "240505240000Z"),
        (UTC_TIME, "230229000000Z"),
        (UTC_TIME, "240431000000Z"),
        (UTC_TIME, "241305000000Z"),
        (UTC_TIME, "240500000000Z"),
        (UTC_TIME, "240505000000"),
        (UTC_TIME, "240505000000.5Z"),
        (UTC_TIME, "+40505000000Z"),
        (UTC_TIME, "never"),
        (UTC_TIME, "Z"),
        (GENERALIZED_TIME, "19491231235959Z"),
        (GENERALIZED_TIME, "18991231000000Z"),
        (GENERALIZED_TIME, "00000229000000Z"),
        (GENERALIZED_TIME, "00990101000000Z"),
        (GENERALIZED_TIME, "21000228000000Z"),
        (GENERALIZED_TIME, "21000229000000Z"),
        (GENERALIZED_TIME, "20500101000000Z"),
        (GENERALIZED_TIME, "99991231235959Z"),
        (GENERALIZED_TIME, "202405050001Z"),
        (GENERALIZED_TIME, "20240505000000.123456Z"),
        (GENERALIZED_TIME, "20240505000000.Z"),
        (GENERALIZED_TIME, "202405050000.5Z"),
        (GENERALIZED_TIME, "20240505000000.5"),
        (GENERALIZED_TIME, "2024050500Z"),
    ];
    let as_time = |(tag, text): (u8, &str)| (tag, text.to_owned());
    table
        .chunks(2)
        .map(|pair| {
            let template = Template {
                not_before: as_time(pair[0]),
                not_after: as_time(pair[1]),
                ..Template::plain()
            };
            Case::new(format!("dates {pair:?}"), &template)
        })
        .collect()
}

fn extensions() -> Vec<Case> {
    let key_id = tlv(0x80, &[0x00, 0xab, 0xff]);
    let directory_name = tlv(0xa1, &tlv(0xa4, &Template::plain().issuer));
    let serial = tlv(0x82, &[0x00, 0xfe]);
    let subject_key_id =
        |is_critical| extension(SUBJECT_KEY_ID, is_critical, &tlv(0x04, &[0x01, 0xef]));
    let authority = |parts: &[Vec<u8>]| extension(AUTHORITY_KEY_ID, false, &sequence(parts));
    let alternative_names = [
        tlv(0x82, b"a.example"),
        tlv(0x81, b"a@example.com"),
        tlv(0x87, &[192, 0, 2, 1]),
        tlv(0x86, b"spiffe://example/a?b=c&d=%2C#e"),
        tlv(0x82, b"*.b.example"),
        tlv(0xa4, &Template::plain().subject),
        tlv(0x88, &[0x2a, 0x03]),
        tlv(
            0x87,
            &[0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        ),
    ];
    let table = [
        ("a subject key identifier", vec![subject_key_id(false)]),
        (
            "a critical subject key identifier",
            vec![subject_key_id(true)],
        ),
        (
            "an empty subject key identifier",
            vec![extension(SUBJECT_KEY_ID, false, &tlv(0x04, &[]))],
        ),
        (
            "an authority key identifier",
            vec![authority(&[key_id.clone()])],
        ),
        (
            "an authority's serial",
            vec![authority(&[directory_name.clone(), serial.clone()])],
        ),
        (
            "an authority's key identifier and serial",
            vec![authority(&[key_id, directory_name, serial])],
        ),
        ("an empty authority key identifier", vec![authority(&[])]),
        (
            "unknown extensions around",
            vec![
                extension("1.2.3", true, b"x"),
                subject_key_id(false),
                extension("1.2.4", false, b""),
            ],
        ),
        (
            "alternative names",
            vec![
                extension(ALTERNATIVE_NAME, false, &sequence(&alternative_names)),
                subject_key_id(false),
            ],
        ),
        (
            "no alternative names",
            vec![extension(ALTERNATIVE_NAME, true, &sequence(&[]))],
        ),
    ];
    table
        .into_iter()
        .map(|(label, extensions)| {
            Case::new(
                label,
                &Template {
                    extensions,
                    ..Template::plain()
                },
            )
        })
        .collect()
}

/// Certificates of random names, serials, dates and key identifiers, all such that OpenSSL reads them.
pub(crate) fn random(rng: &mut Rng) -> Vec<Case> {
    (0..RANDOM_CERTIFICATES)
        .map(|number| {
            let mut serial: Vec<u8> = (0..rng.usize(1..22)).map(|_| rng.u8(..)).collect();
            // OpenSSL refuses an INTEGER that is not in its shortest form.
            while matches!(
                serial.as_slice(),
                [0x00, 0..0x80, ..] | [0xff, 0x80..=0xff, ..]
            ) {
                serial[0] = rng.u8(..);
            }
            let key_id: Vec<u8> = (0..rng.usize(1..30)).map(|_| rng.u8(..)).collect();
            let template = Template {
                serial,
                issuer: random_name(rng),
                subject: random_name(rng),
                not_before: random_time(rng),
                not_after: random_time(rng),
                extensions: vec![
                    extension(SUBJECT_KEY_ID, rng.bool(), &tlv(0x04, &key_id)),
                    extension(AUTHORITY_KEY_ID, false, &sequence(&[tlv(0x80, &key_id)])),
                ],
            };
            Case::new(format!("random certificate {number}"), &template)
        })
        .collect()
}

fn random_name(rng: &mut Rng) -> Vec<u8> {
    const OIDS: [&str; 10] = [
        COMMON_NAME,
        "2.5.4.6",
        "2.5.4.10",
        "2.5.4.11",
        "2.5.4.5",
        "1.2.840.113549.1.9.1",
        "0.9.2342.19200300.100.1.25",
        "1.3.6.1.4.1.311.60.2.1.3",
        "1.3.6.1.4.1.99999.7",
        "2.999.18446744073709551616",
    ];
    let rdns: Vec<Vec<Attribute>> = (0..rng.usize(0..6))
        .map(|_| {
            (0..rng.usize(1..4))
                .map(|_| {
                    let (tag, value) = random_value(rng);
                    attribute(OIDS[rng.usize(..OIDS.len())], tag, &value)
                })
                .collect()
        })
        .collect();
    name(&rdns)
}

/// A string of any type, made of characters that one of the two forms treats specially, and of any others.
fn random_value(rng: &mut Rng) -> (u8, Vec<u8>) {
    const SPECIAL: [char; 20] = [
        ' ', ' ', '#', ',', '+', '"', '\\', '<', '>', ';', '=', '/', '\0', '\r', '\n', '\x1f', '~',
        '\x7f', '\u{80}', '\u{ff}',
    ];
    let tag = rng
        .choice([UTF8, NUMERIC, PRINTABLE, TELETEX, IA5, BMP, UNIVERSAL])
        .unwrap_or(UTF8);
    let characters = (0..rng.usize(0..12)).map(|_| match rng.u8(0..4) {
        0 => char::from(rng.u8(b'a'..=b'z')),
        1 | 2 => SPECIAL[rng.usize(..SPECIAL.len())],
        _ => rng.char(..),
    });
    let value: Vec<u8> = match tag {
        UTF8 => characters.collect::<String>().into_bytes(),
        BMP => characters
            .filter_map(|character| u16::try_from(u32::from(character)).ok())
            .flat_map(u16::to_be_bytes)
            .collect(),
        UNIVERSAL => characters
            .flat_map(|character| u32::from(character).to_be_bytes())
            .collect(),
        _ => characters.map(|character| character as u8).collect(),
    };
    (tag, value)
}

fn random_time(rng: &mut Rng) -> (u8, String) {
    let rest = format!(
        "{:02}{:02}{:02}{:02}{:02}Z",
        rng.u8(1..=12),
        // Some months have no 29th to 31st: OpenSSL then says so.
        rng.u8(1..=31),
        rng.u8(0..24),
        rng.u8(0..60),
        rng.u8(0..60),
    );
    if rng.bool() {
        (UTC_TIME, format!("{:02}{rest}", rng.u8(0..100)))
    } else {
        (GENERALIZED_TIME, format!("{:04}{rest}", rng.u16(0..10000)))
    }
}

/// A certificate, a field of it, what OpenSSL prints, and what the filter gives.
pub(crate) fn known_differences() -> Vec<(Case, Field, &'static str, &'static str)> {
    let subject = |attribute: Attribute| Template {
        subject: name(&[vec![attribute]]),
        ..Template::plain()
    };
    let huge_arc = [&[0x69, 0x84], [0x80; 17].as_slice(), &[0x00]].concat();
    let negative_authority_serial = Template {
        extensions: vec![extension(
            AUTHORITY_KEY_ID,
            false,
            &sequence(&[
                tlv(0xa1, &tlv(0xa4, &Template::plain().issuer)),
                tlv(0x82, &[0xff]),
            ]),
        )],
        ..Template::plain()
    };
    let repeated = extension(SUBJECT_KEY_ID, false, &tlv(0x04, &[0xab]));
    vec![
        (
            Case::new(
                "a date with a UTC offset",
                &Template {
                    not_before: (UTC_TIME, "240101000000+0100".to_owned()),
                    ..Template::plain()
                },
            ),
            Field::CertNotBefore,
            "Dec 31 23:00:00 2023 GMT",
            "",
        ),
        (
            Case::new(
                "a name ending in a space",
                &subject(attribute(COMMON_NAME, UTF8, b"a ")),
            ),
            Field::CertSubjectDn,
            "CN=a\\ ",
            "CN=a\\20",
        ),
        (
            Case::new(
                "a one-line name ending in a space",
                &subject(attribute(COMMON_NAME, UTF8, b"a ")),
            ),
            Field::CertSubjectDnLegacy,
            "/CN=a ",
            "/CN=a\\x20",
        ),
        (
            Case::new(
                "an OID with an arc of more than 128 bits",
                &subject((huge_arc, UTF8, b"a".to_vec())),
            ),
            Field::CertSubjectDn,
            "2.25.340282366920938463463374607431768211456=#0C0161",
            "",
        ),
        (
            Case::new(
                "an attribute known as something else",
                &subject(attribute("2.5.29.14", UTF8, b"a")),
            ),
            Field::CertSubjectDn,
            "subjectKeyIdentifier=a",
            "2.5.29.14=#0C0161",
        ),
        (
            Case::new(
                "padding bits that are not zero",
                &subject(attribute(COMMON_NAME, BIT_STRING, b"\x04a\xff")),
            ),
            Field::CertSubjectDn,
            "CN=#03030461F0",
            "CN=#03030461FF",
        ),
        (
            Case::new("an authority's negative serial", &negative_authority_serial),
            Field::CertIssuerSerial,
            "01",
            "-01",
        ),
        (
            Case::new(
                "an extension that is there twice",
                &Template {
                    extensions: vec![repeated.clone(), repeated],
                    ..Template::plain()
                },
            ),
            Field::CertSki,
            "AB",
            "",
        ),
        (
            Case::new(
                "an alternative name with a comma",
                &Template {
                    extensions: vec![extension(
                        ALTERNATIVE_NAME,
                        false,
                        &sequence(&[tlv(0x86, b"urn:a,b"), tlv(0x86, b"urn:c")]),
                    )],
                    ..Template::plain()
                },
            ),
            Field::CertSanUri,
            "urn:a,b,urn:c",
            "urn:c",
        ),
    ]
}
