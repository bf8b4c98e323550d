//! Which CA certificate is chosen for a list, and which signatures are good.

use crate::support::der::*;
use crate::support::pki::*;
use crate::support::{authorities, now, read, serials};
use client_cert_crl::{File, Reason, Signers, revoked_certificates};

fn list() -> List {
    List::new(vec![entry(&[1], &[])])
}

/// `authorityKeyIdentifier` of the CA with this seed.
fn key_identifier(seed: u8) -> Vec<u8> {
    let value = tlv(SEQUENCE, &tlv(0x80, &[seed; 20]));
    extension(AUTHORITY_KEY_IDENTIFIER, false, &value)
}

fn bad_signature() -> Reason {
    Reason::BadSignature {
        ca_file: "ca.pem".to_owned(),
    }
}

#[test]
fn the_ca_is_chosen_by_name_and_key_identifier_among_many() {
    let cas: Vec<Ca> = (1..=6)
        .map(|seed| Ca::new(["One CA", "Other CA"][usize::from(seed % 2)], seed))
        .collect();
    let certificates: Vec<Vec<u8>> = cas.iter().map(Ca::certificate).collect();
    let authorities = authorities(&certificates);
    for (seed, ca) in (1..=6).zip(&cas) {
        assert!(read(&ca.sign(&list()), &authorities).is_ok(), "by trial");
        let named = List::with_extension(key_identifier(seed));
        assert!(read(&ca.sign(&named), &authorities).is_ok(), "by key");
    }
}

#[test]
fn a_list_of_an_unknown_issuer_is_refused_with_the_names_that_are_known() {
    let ca = Ca::new("Example CA", 1);
    let others: Vec<Vec<u8>> = (2..=8)
        .map(|seed| Ca::new(&format!("Other CA {seed}"), seed).certificate())
        .collect();
    let reason = read(&ca.sign(&list()), &authorities(&others)).unwrap_err();
    assert_eq!(
        reason.to_string(),
        "no CA certificate is given for this issuer, only for \"CN=Other CA 2\", \
         \"CN=Other CA 3\", \"CN=Other CA 4\", \"CN=Other CA 5\", \"CN=Other CA 6\" and 2 more; \
         give the issuer's certificate"
    );
    let reason = read(&ca.sign(&list()), &authorities(&[])).unwrap_err();
    assert_eq!(
        reason.to_string(),
        "no CA certificate is given for this issuer; give the issuer's certificate"
    );
}

#[test]
fn a_list_of_a_renewed_key_is_refused_with_the_identifier_that_is_needed() {
    let (old, new) = (Ca::new("Example CA", 1), Ca::new("Example CA", 2));
    let list = List::with_extension(key_identifier(2));
    assert_eq!(
        read(&new.sign(&list), &authorities(&[old.certificate()])),
        Err(Reason::NoAuthorityWithKey {
            key_identifier: "02".repeat(20)
        })
    );
}

#[test]
fn a_signature_of_another_key_is_refused() {
    let (ca, impostor) = (Ca::new("Example CA", 1), Ca::new("Example CA", 2));
    let authorities = authorities(&[ca.certificate()]);
    assert_eq!(
        read(&impostor.sign(&list()), &authorities),
        Err(bad_signature())
    );
    let with_the_right_identifier = List::with_extension(key_identifier(1));
    assert_eq!(
        read(&impostor.sign(&with_the_right_identifier), &authorities),
        Err(bad_signature())
    );
}

#[test]
fn a_changed_entry_breaks_the_signature() {
    let ca = Ca::new("Example CA", 1);
    let mut der = ca.sign(&List::new(vec![entry(&[0x11, 0x22, 0x33], &[])]));
    let position = der
        .windows(3)
        .position(|window| window == [0x11, 0x22, 0x33]);
    der[position.unwrap()] ^= 1;
    assert_eq!(
        read(&der, &authorities(&[ca.certificate()])),
        Err(bad_signature())
    );
}

#[test]
fn a_ca_without_crl_sign_may_not_sign_lists() {
    let mut ca = Ca::new("Example CA", 1);
    ca.extensions = vec![extension(KEY_USAGE, true, &CERT_SIGN)];
    assert_eq!(
        read(&ca.sign(&list()), &authorities(&[ca.certificate()])),
        Err(Reason::MayNotSignCrls {
            ca_file: "ca.pem".to_owned()
        })
    );
    // Another certificate of the same name can't be the reason.
    let other = Ca::new("Example CA", 2);
    let both = authorities(&[ca.certificate(), other.certificate()]);
    assert!(matches!(
        read(&ca.sign(&list()), &both),
        Err(Reason::MayNotSignCrls { .. })
    ));
}

#[test]
fn a_ca_without_key_usage_may_sign_lists() {
    let mut ca = Ca::new("Example CA", 1);
    ca.extensions = vec![extension("2.5.29.19", true, &sequence(&[]))];
    let list = List::with_extension(key_identifier(1));
    assert!(read(&ca.sign(&list), &authorities(&[ca.certificate()])).is_ok());
}

#[test]
fn each_spelling_of_the_issuer_gives_entries() {
    let ca = Ca::new("Example CA", 1);
    let spelling = name(PRINTABLE_STRING, "EXAMPLE  CA");
    let der = ca.sign_as(&spelling, &list());
    let list = read(&der, &authorities(&[ca.certificate()])).unwrap();
    assert_eq!(list.issuer_dn(), "CN=EXAMPLE  CA");
    let issuers: Vec<&str> = revoked_certificates([&list])
        .iter()
        .map(|entry| entry.issuer_dn)
        .collect();
    assert_eq!(issuers, ["CN=EXAMPLE  CA", "CN=Example CA"]);

    let same_text = ca.sign_as(&name(PRINTABLE_STRING, "Example CA"), &self::list());
    let list = read(&same_text, &authorities(&[ca.certificate()])).unwrap();
    assert_eq!(list.entries().count(), 1);
}

#[test]
fn a_list_without_issuer_is_refused() {
    let ca = Ca::new("Example CA", 1);
    let der = ca.sign_as(&sequence(&[]), &list());
    assert_eq!(
        read(&der, &authorities(&[ca.certificate()])),
        Err(Reason::EmptyIssuer)
    );
}

#[test]
fn weak_unknown_and_contradictory_signature_algorithms_are_refused() {
    let ca = Ca::new("Example CA", 1);
    let authorities = authorities(&[ca.certificate()]);
    let mut list = list();
    list.signature_algorithm = "1.2.840.113549.1.1.5";
    assert_eq!(
        read(&ca.sign(&list), &authorities),
        Err(Reason::ContradictorySignatureAlgorithm)
    );
    assert_eq!(
        read(&ca.sign_with(list.signature_algorithm, &list), &authorities),
        Err(Reason::UnsupportedSignatureAlgorithm {
            oid: "1.2.840.113549.1.1.5 (sha1WithRSAEncryption)".to_owned()
        })
    );
}

#[test]
fn an_unchecked_signature_is_taken_when_the_caller_says_so() {
    let impostor = Ca::new("Example CA", 2);
    let der = impostor.sign(&list());
    let file = File {
        name: "revoked.crl",
        bytes: &der,
    };
    let lists = client_cert_crl::read(&file, Signers::Unchecked, now()).unwrap();
    assert_eq!(serials(&lists[0]), ["01"]);
}
