//! The certificates of PyPI's `cryptography_vectors`: NIST PKITS, and odd ones of all kinds.

use super::Case;
use client_cert_forwarder::certificate::pem;
use std::path::{Path, PathBuf};
use std::{env, fs};

const CHECKOUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const REQUIREMENT: &str = include_str!("../../vectors-requirement.txt");
/// DER of other kinds: requests and OCSP messages, PKCS #7, CRLs, and a certificate's inner part.
const NOT_CERTIFICATES: [&str; 7] = [
    "x509/ocsp/",
    "x509/requests/",
    "x509/custom/crl_",
    "pkcs7/amazon-roots.der",
    "pkcs7/authenticode.der",
    "pkcs7/enveloped-no-content.der",
    "x509/cryptography-scts-tbs-precert.der",
];

/// Reads each certificate of the package once. Returns none, and prints what to do, where
/// `make vectors` has not run; with `CI` set that is a failure.
pub(super) fn certificates() -> Vec<Case> {
    let version = REQUIREMENT
        .split_once("==")
        .and_then(|(_, rest)| rest.split_whitespace().next())
        .expect("a pinned version");
    let folder = Path::new(CHECKOUT).join(".vectors").join(version);
    if !folder.exists() {
        let message = "cryptography_vectors are missing: run `make vectors`";
        assert!(env::var_os("CI").is_none(), "{message}");
        println!("SKIPPED: {message}");
        return Vec::new();
    }
    let mut cases: Vec<Case> = Vec::new();
    for path in files(&folder) {
        let name = path.strip_prefix(&folder).unwrap().display().to_string();
        if NOT_CERTIFICATES.iter().any(|other| name.starts_with(other)) {
            continue;
        }
        for (number, der) in in_file(&path).into_iter().enumerate() {
            let label = match number {
                0 => name.clone(),
                _ => format!("{name}, {}", number + 1),
            };
            if cases.iter().all(|case| case.der != der) {
                cases.push(Case { label, der });
            }
        }
    }
    assert!(cases.len() > 500, "{} certificates", cases.len());
    cases
}

/// The files in `folder` and below, in the order of their names.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    entries
        .into_iter()
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

/// The certificates of a file, as DER.
fn in_file(path: &Path) -> Vec<Vec<u8>> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("crt" | "der") => vec![fs::read(path).unwrap()],
        Some("pem") => pem::decode_all(&fs::read(path).unwrap()),
        _ => Vec::new(),
    }
}
