//! The CRLs of NIST's PKITS, and the odd ones of `cryptography_vectors`.

use crate::support::oracle::{self, Printed};
use crate::support::{authorities, now, read, vectors};
use client_cert_crl::{Authorities, Crl, File, Reason, Signers};
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Every PKITS list that is refused, with the end of its name left out, and the reason. PKITS 4.4
/// and 4.7 have such lists as errors; 4.14 and 4.15 are for software that knows indirect and delta
/// CRLs too.
const REFUSED: [(&str, &str); 21] = [
    ("BadCRLIssuerNameCA", "no CA certificate is given"),
    ("BadCRLSignatureCA", "the signature is not by the key"),
    ("DSACA", "unsupported signature algorithm 1.2.840.10040.4.3"),
    (
        "DSAParametersInheritedCA",
        "unsupported signature algorithm 1.2.840.10040.4.3",
    ),
    ("OldCRLnextUpdateCA", "expired at 2010-01-02T08:30:00Z"),
    ("TwoCRLsCABad", "no CA certificate is given"),
    (
        "UnknownCRLEntryExtensionCA",
        "unknown critical extension 2.16.840.1.101.2.1.12.2 in the entry of serial 01",
    ),
    (
        "UnknownCRLExtensionCA",
        "unknown critical extension 2.16.840.1.101.2.1.12.2, so",
    ),
    ("deltaCRLCA1delta", "this is a delta CRL"),
    ("deltaCRLCA2delta", "this is a delta CRL"),
    ("deltaCRLCA3", "expired at 2010-06-01T08:30:00Z"),
    ("deltaCRLCA3delta", "this is a delta CRL"),
    ("deltaCRLIndicatorNoBaseCA", "this is a delta CRL"),
    ("indirectCRLCA1", "this is an indirect CRL"),
    ("indirectCRLCA3cRLIssuer", "this is an indirect CRL"),
    ("indirectCRLCA4cRLIssuer", "this is an indirect CRL"),
    ("indirectCRLCA5", "this is an indirect CRL"),
    ("keyUsageCriticalcRLSignFalseCA", "has no cRLSign"),
    ("keyUsageNotCriticalcRLSignFalseCA", "has no cRLSign"),
    (
        "onlyContainsAttributeCertsCA",
        "this CRL has attribute certificates only",
    ),
    ("pre2000CRLnextUpdateCA", "expired at 1999-01-01T12:01:00Z"),
];

/// Lists that are taken, but don't have every revoked client certificate.
const NOT_FOR_CLIENTS_ALONE: [&str; 9] = [
    "onlyContainsCACertsCA",
    "onlySomeReasonsCA1compromise",
    "onlySomeReasonsCA1otherreasons",
    "onlySomeReasonsCA2CRL1",
    "onlySomeReasonsCA2CRL2",
    "onlySomeReasonsCA3compromise",
    "onlySomeReasonsCA3otherreasons",
    "onlySomeReasonsCA4compromise",
    "onlySomeReasonsCA4otherreasons",
];

#[test]
fn the_lists_of_pkits_are_refused_that_should_be_and_the_others_are_read_as_openssl_does() {
    let Some(folder) = vectors::x509().map(|folder| folder.join("PKITS_data")) else {
        return;
    };
    let authorities = every_certificate(&folder.join("certs"));
    let crls = folder.join("crls");
    let (mut taken, mut refused, mut in_part) = (0, Vec::new(), Vec::new());
    for (file, der) in vectors::files(&crls) {
        let name = file.trim_end_matches(".crl");
        let name = name.strip_suffix("CRL").unwrap_or(name);
        match read(&der, &authorities) {
            Ok(list) => {
                taken += 1;
                if !list.scope().covers_client_certificates() {
                    in_part.push(name.to_owned());
                }
                if oracle::is_there() {
                    let printed = Printed::of(&crls, &file, "DER");
                    assert_eq!(Printed::ours(&list), printed, "{file}");
                }
            }
            Err(reason) => refused.push((name.to_owned(), reason.to_string())),
        }
    }
    println!("{taken} lists of PKITS taken, {} refused", refused.len());
    assert_eq!(taken, 152);
    assert_eq!(in_part, NOT_FOR_CLIENTS_ALONE);
    assert_eq!(refused.len(), REFUSED.len(), "{refused:#?}");
    for ((name, reason), (expected_name, expected)) in refused.iter().zip(REFUSED) {
        assert_eq!(name, expected_name);
        assert!(reason.contains(expected), "{name}: {reason}");
    }
}

/// PKITS has several CAs of one name: the old and the new key of a CA, and a key for CRLs.
fn every_certificate(folder: &Path) -> Authorities {
    let files = vectors::files(folder);
    let files: Vec<File<'_>> = files
        .iter()
        .map(|(name, bytes)| File { name, bytes })
        .collect();
    assert!(files.len() > 400);
    Authorities::read(&files).unwrap()
}

/// The lists of `cryptography_vectors` that are refused for more than their age. Their signers are
/// not known.
#[test]
fn odd_lists_are_refused_for_the_right_reason() {
    let Some(folder) = vectors::x509().map(|folder| folder.join("custom")) else {
        return;
    };
    let table = [
        ("crl_all_reasons.pem", "this is an indirect CRL"),
        ("crl_bad_version.pem", "unknown version"),
        ("crl_delta_crl_indicator.pem", "this is a delta CRL"),
        (
            "crl_dup_entry_ext.pem",
            "extension 2.5.29.21 (id-ce-cRLReasons) occurs twice",
        ),
        (
            "crl_idp_fullname_indirect_crl.pem",
            "this is an indirect CRL",
        ),
        (
            "crl_idp_fullname_only_aa.pem",
            "this CRL has attribute certificates only",
        ),
        (
            "crl_inner_outer_mismatch.der",
            "the CRL names two different signature algorithms",
        ),
        (
            "crl_inval_cert_issuer_entry_ext.pem",
            "this is an indirect CRL",
        ),
        (
            "crl_inval_date_fractional_seconds.der",
            "the issuer's name is empty",
        ),
        ("crl_invalid_time.der", "malformed: "),
        (
            "crl_md2_unknown_crit_entry_ext.pem",
            "unknown critical extension 1.2.3.4 in the entry of serial 00",
        ),
    ];
    let mut refused = Vec::new();
    for (name, bytes) in vectors::files(&folder) {
        if !name.starts_with("crl_") {
            continue;
        }
        match read_unchecked(&name, &bytes, now()) {
            Ok(_) | Err(Reason::Expired { .. }) => {}
            Err(reason) => refused.push((name, reason.to_string())),
        }
    }
    assert_eq!(refused.len(), table.len(), "{refused:#?}");
    for ((name, reason), (expected_name, expected)) in refused.iter().zip(table) {
        assert_eq!(name, expected_name);
        assert!(reason.starts_with(expected), "{name}: {reason}");
    }
}

#[test]
fn a_list_is_good_with_its_own_signature_and_bad_with_another() {
    let Some(folder) = vectors::x509().map(|folder| folder.join("custom")) else {
        return;
    };
    let file = |name: &str| fs::read(folder.join(name)).unwrap();
    let authorities = authorities(&[file("valid_signature_cert.pem")]);
    let read = |name: &str| {
        let bytes = file(name);
        let file = File {
            name,
            bytes: &bytes,
        };
        let signers = Signers::Authorities(&authorities);
        client_cert_crl::read(&file, signers, in_august_2017())
    };
    assert_eq!(read("valid_signature_crl.pem").unwrap().len(), 1);
    let errors = read("invalid_signature_crl.pem").unwrap_err();
    assert!(matches!(*errors[0].reason, Reason::BadSignature { .. }));
}

fn in_august_2017() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_503_000_000)
}

fn read_unchecked(name: &str, bytes: &[u8], now: SystemTime) -> Result<Vec<Crl>, Reason> {
    let file = File { name, bytes };
    client_cert_crl::read(&file, Signers::Unchecked, now)
        .map_err(|mut errors| *errors.remove(0).reason)
}
