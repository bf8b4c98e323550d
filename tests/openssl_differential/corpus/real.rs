//! Certificates as they are in the world: made by a library with each kind of key, and the roots
//! that Debian ships.

use super::Case;
use client_cert_forwarder::certificate::pem;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256,
    PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256, SanType,
};
use std::process::Command;
use std::{fs, path::Path};

const ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

/// A root and a leaf for each kind of key.
pub(super) fn made_by_a_library() -> Vec<Case> {
    let keys = [
        (
            "P-256",
            KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap(),
        ),
        (
            "P-384",
            KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap(),
        ),
        ("Ed25519", KeyPair::generate_for(&PKCS_ED25519).unwrap()),
        ("RSA", rsa_key()),
    ];
    keys.into_iter()
        .flat_map(|(kind, key)| {
            let mut root = CertificateParams::default();
            root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            root.distinguished_name.push(DnType::CountryName, "GB");
            root.distinguished_name
                .push(DnType::OrganizationName, "Example, Ltd.");
            root.distinguished_name
                .push(DnType::CommonName, "Root of the client certificates");
            let root_der = root.self_signed(&key).unwrap().der().to_vec();

            let mut leaf =
                CertificateParams::new(["a.example".to_owned(), "b.example".to_owned()]).unwrap();
            leaf.subject_alt_names
                .push(SanType::IpAddress("2001:db8::1".parse().unwrap()));
            leaf.subject_alt_names.push(SanType::URI(
                "spiffe://example.com/client".try_into().unwrap(),
            ));
            leaf.subject_alt_names.push(SanType::Rfc822Name(
                "client@example.com".try_into().unwrap(),
            ));
            leaf.use_authority_key_identifier_extension = true;
            leaf.distinguished_name.push(DnType::CommonName, "client");
            let leaf_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
            let leaf_der = leaf
                .signed_by(&leaf_key, &Issuer::new(root, key))
                .unwrap()
                .der()
                .to_vec();
            [
                Case {
                    label: format!("{kind} root"),
                    der: root_der,
                },
                Case {
                    label: format!("leaf of the {kind} root"),
                    der: leaf_der,
                },
            ]
        })
        .collect()
}

/// rcgen with ring can use an RSA key and not make one.
fn rsa_key() -> KeyPair {
    let output = Command::new("openssl")
        .args([
            "genpkey",
            "-algorithm",
            "RSA",
            "-pkeyopt",
            "rsa_keygen_bits:2048",
        ])
        .output()
        .unwrap();
    let pem = String::from_utf8(output.stdout).unwrap();
    KeyPair::from_pem_and_sign_algo(&pem, &PKCS_RSA_SHA256).unwrap()
}

/// Debian's roots; none, with a word about it, on a machine that has no such file.
pub(super) fn roots() -> Vec<Case> {
    if !Path::new(ROOTS).exists() {
        println!("SKIPPED real roots: {ROOTS} is not on this machine");
        return Vec::new();
    }
    let roots = pem::decode_all(&fs::read(ROOTS).unwrap());
    assert!(roots.len() > 50, "{ROOTS} has {} certificates", roots.len());
    roots
        .into_iter()
        .enumerate()
        .map(|(number, der)| Case {
            label: format!("root {number}"),
            der,
        })
        .collect()
}
