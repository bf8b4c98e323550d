//! Where the filter and OpenSSL differ, on purpose.

use super::Case;
use client_cert_forwarder::certificate::field::Field;
use support::der::{
    ALTERNATIVE_NAME, AUTHORITY_KEY_ID, Attribute, BIT_STRING, COMMON_NAME, SUBJECT_KEY_ID,
    Template, UTC_TIME, UTF8, attribute, extension, name, sequence, tlv,
};

/// Returns a certificate, a field of it, OpenSSL's text, and the filter's.
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
