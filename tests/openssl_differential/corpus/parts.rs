//! Serials, dates and extensions.

use super::Case;
use support::der::{
    ALTERNATIVE_NAME, AUTHORITY_KEY_ID, GENERALIZED_TIME, SUBJECT_KEY_ID, Template, UTC_TIME,
    extension, sequence, tlv,
};

pub(super) fn serials() -> Vec<Case> {
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

/// Only dates that get through a TLS handshake: `tests/integration/refused_by_tls.rs` has others.
pub(super) fn dates() -> Vec<Case> {
    let table = [
        (UTC_TIME, "500101000000Z"),
        (UTC_TIME, "491231235959Z"),
        (UTC_TIME, "690720201700Z"),
        (UTC_TIME, "000229120000Z"),
        (GENERALIZED_TIME, "19491231235959Z"),
        (GENERALIZED_TIME, "18991231000000Z"),
        (GENERALIZED_TIME, "00000229000000Z"),
        (GENERALIZED_TIME, "00990101000000Z"),
        (GENERALIZED_TIME, "21000228000000Z"),
        (GENERALIZED_TIME, "20500101000000Z"),
        (GENERALIZED_TIME, "99991231235959Z"),
        (UTC_TIME, "990228235959Z"),
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

pub(super) fn extensions() -> Vec<Case> {
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
            vec![authority(std::slice::from_ref(&key_id))],
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
