//! Random certificates, all of which OpenSSL reads.

use super::Case;
use fastrand::Rng;
use support::der::{
    AUTHORITY_KEY_ID, Attribute, BMP, COMMON_NAME, GENERALIZED_TIME, IA5, NUMERIC, PRINTABLE,
    SUBJECT_KEY_ID, TELETEX, Template, UNIVERSAL, UTC_TIME, UTF8, attribute, extension, name,
    sequence, tlv,
};

const RANDOM_CERTIFICATES: usize = 180;

/// Certificates of random names, serials, dates and key identifiers.
pub(super) fn certificates(rng: &mut Rng) -> Vec<Case> {
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
                ..Template::plain()
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

/// Makes a string of any type out of characters that one of the two forms treats specially, and of
/// any others.
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
        // TLS refuses a date that doesn't exist.
        rng.u8(1..=28),
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
