//! Which kinds of lists and entries are taken, and what is made of them.

use crate::support::der::*;
use crate::support::pki::*;
use crate::support::{authorities, read, serials};
use client_cert_crl::{Crl, Reason, revoked_certificates};

const ISSUING_DISTRIBUTION_POINT: &str = "2.5.29.28";
const UNKNOWN: &str = "1.3.6.1.4.1.55555.1";

fn ca() -> Ca {
    Ca::new("Example CA", 1)
}

fn read_list(list: &List) -> Result<Crl, Reason> {
    let ca = ca();
    read(&ca.sign(list), &authorities(&[ca.certificate()]))
}

#[test]
fn a_list_gives_its_entries_as_the_filters_configuration_has_them() {
    let mut octets = [0xab; 40];
    octets[0] = 0;
    let list = List::new(vec![
        entry(&[0x7f], &[reason(1)]),
        entry(&[0x00, 0x80], &[reason(4)]),
        entry(&[0xff, 0x00], &[]),
        entry(&[0x00], &[reason(6)]),
        entry(&octets, &[]),
        entry(&[0x7f], &[]),
    ]);
    let list = read_list(&list).unwrap();
    assert_eq!(list.issuer_dn(), "CN=Example CA");
    assert_eq!(list.number(), Some("1A2B"));
    assert_eq!(list.this_update().to_string(), "2026-01-01T00:00:00Z");
    assert_eq!(
        list.next_update().unwrap().to_string(),
        "2027-01-01T00:00:00Z"
    );
    assert!(list.scope().covers_client_certificates());
    let long = "AB".repeat(39);
    assert_eq!(serials(&list), ["-0100", "00", "7F", "80", &long]);
    assert_eq!(
        serde_json::to_value(revoked_certificates([&list, &list])).unwrap(),
        serde_json::json!([
            { "issuer_dn": "CN=Example CA", "serial": "-0100" },
            { "issuer_dn": "CN=Example CA", "serial": "00" },
            { "issuer_dn": "CN=Example CA", "serial": "7F" },
            { "issuer_dn": "CN=Example CA", "serial": "80" },
            { "issuer_dn": "CN=Example CA", "serial": long },
        ])
    );
}

#[test]
fn an_entry_with_remove_from_crl_takes_back_earlier_entries() {
    let list = List::new(vec![
        entry(&[1], &[reason(6)]),
        entry(&[2], &[reason(6)]),
        entry(&[1], &[reason(8)]),
        entry(&[3], &[reason(8)]),
        entry(&[3], &[reason(1)]),
    ]);
    assert_eq!(serials(&read_list(&list).unwrap()), ["02", "03"]);
}

#[test]
fn every_other_reason_revokes() {
    let reasons = (0..=255).filter(|code| *code != 8);
    let entries: Vec<Vec<u8>> = reasons
        .map(|code| entry(&[1, code], &[reason(code)]))
        .collect();
    let list = read_list(&List::new(entries)).unwrap();
    assert_eq!(list.serials().len(), 255);
}

#[test]
fn empty_lists_and_lists_without_version_number_or_next_update_are_taken() {
    let mut oldest = List::new(Vec::new());
    oldest.version = None;
    oldest.next_update = None;
    oldest.extensions.clear();
    let list = read_list(&oldest).unwrap();
    assert_eq!((list.number(), list.next_update()), (None, None));
    assert_eq!(list.serials().len(), 0);
    assert_eq!(list.entries().count(), 0);
}

#[test]
fn a_list_of_another_version_is_refused() {
    for version in [0, 2] {
        let mut list = List::new(Vec::new());
        list.version = Some(version);
        assert_eq!(read_list(&list), Err(Reason::Version), "{version}");
    }
}

/// Contents of `issuingDistributionPoint`, and which lists with it are taken. The second says
/// whether the list covers client certificates.
#[test]
fn lists_of_a_part_of_the_certificates_are_taken_when_their_entries_are_true() {
    let point = tlv(0xa0, &tlv(0xa0, &tlv(0x86, b"http://crl.example/1.crl")));
    let table: [(&str, Vec<u8>, Result<bool, Reason>); 9] = [
        ("distribution point", point, Ok(true)),
        ("onlyContainsUserCerts", vec![0x81, 1, 0xff], Ok(true)),
        ("onlyContainsCACerts", vec![0x82, 1, 0xff], Ok(false)),
        ("onlySomeReasons", vec![0x83, 2, 5, 0b0110_0000], Ok(false)),
        ("indirectCRL", vec![0x84, 1, 0xff], Err(Reason::IndirectCrl)),
        (
            "onlyContainsAttributeCerts",
            vec![0x85, 1, 0xff],
            Err(Reason::AttributeCertificates),
        ),
        (
            "two kinds",
            vec![0x81, 1, 0xff, 0x82, 1, 0xff],
            Err(Reason::ContradictoryScope),
        ),
        ("nothing", vec![], Ok(true)),
        (
            "not an issuingDistributionPoint",
            vec![0x8f, 1, 0xff],
            Err(Reason::MalformedExtension {
                oid: "2.5.29.28 (id-ce-issuingDistributionPoint)".to_owned(),
            }),
        ),
    ];
    for (case, contents, expected) in table {
        let value = tlv(SEQUENCE, &contents);
        let list = List::with_extension(extension(ISSUING_DISTRIBUTION_POINT, true, &value));
        let covers = read_list(&list).map(|list| {
            assert_eq!(serials(&list), ["01"], "{case}");
            list.scope().covers_client_certificates()
        });
        assert_eq!(covers, expected, "{case}");
    }
}

#[test]
fn a_delta_list_is_refused_critical_or_not() {
    for critical in [true, false] {
        let list = List::with_extension(extension("2.5.29.27", critical, &[INTEGER, 1, 1]));
        assert_eq!(read_list(&list), Err(Reason::DeltaCrl));
    }
}

#[test]
fn an_entry_of_another_issuer_is_refused_critical_or_not() {
    let names = sequence(&[tlv(0xa4, &name(UTF8_STRING, "Another CA"))]);
    for critical in [true, false] {
        let list = List::new(vec![entry(
            &[1],
            &[extension("2.5.29.29", critical, &names)],
        )]);
        assert_eq!(read_list(&list), Err(Reason::IndirectCrl));
    }
}

#[test]
fn unknown_extensions_are_refused_when_they_are_critical() {
    let null = [5, 0];
    let of_the_list = |critical| List::with_extension(extension(UNKNOWN, critical, &null));
    let of_an_entry =
        |critical| List::new(vec![entry(&[1], &[extension(UNKNOWN, critical, &null)])]);
    assert_eq!(serials(&read_list(&of_the_list(false)).unwrap()), ["01"]);
    assert_eq!(serials(&read_list(&of_an_entry(false)).unwrap()), ["01"]);
    assert_eq!(
        read_list(&of_the_list(true)),
        Err(Reason::UnknownCriticalExtension {
            oid: UNKNOWN.to_owned()
        })
    );
    assert_eq!(
        read_list(&of_an_entry(true)),
        Err(Reason::UnknownCriticalEntryExtension {
            serial: "01".to_owned(),
            oid: UNKNOWN.to_owned()
        })
    );
}

#[test]
fn known_extensions_may_be_critical() {
    let date = extension("2.5.29.24", true, &tlv(0x18, b"20251230000000Z"));
    let hold = extension(REASON_CODE, true, &[ENUMERATED, 1, 6]);
    let mut list = List::new(vec![entry(&[1], &[hold, date])]);
    list.extensions = vec![extension(CRL_NUMBER, true, &[INTEGER, 1, 1])];
    assert_eq!(serials(&read_list(&list).unwrap()), ["01"]);
}

#[test]
fn a_repeated_or_malformed_extension_is_refused() {
    let number = "2.5.29.20 (id-ce-cRLNumber)".to_owned();
    let reason_code = "2.5.29.21 (id-ce-cRLReasons)".to_owned();
    let again = List::with_extension(extension(CRL_NUMBER, false, &[INTEGER, 1, 1]));
    assert_eq!(
        read_list(&again),
        Err(Reason::RepeatedExtension { oid: number })
    );
    let twice = List::new(vec![entry(&[1], &[reason(8), reason(1)])]);
    assert_eq!(
        read_list(&twice),
        Err(Reason::RepeatedExtension {
            oid: reason_code.clone()
        })
    );
    let integer = extension(REASON_CODE, false, &[INTEGER, 1, 8]);
    assert_eq!(
        read_list(&List::new(vec![entry(&[1], &[integer])])),
        Err(Reason::MalformedExtension { oid: reason_code })
    );
}
