//! Lists that OpenSSL makes are read as OpenSSL prints them, with every signature algorithm.

use crate::support::authorities;
use crate::support::oracle::{self, Printed, openssl};
use client_cert_crl::{CoveredCertificates, Crl, File, Reason, Signers};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::SystemTime;
use tempfile::TempDir;

/// A CA's `openssl.cnf`. The lists of `plain` have no extensions, and so no version.
const CONFIGURATION: &str = "
[plain]
database = index.txt
certificate = ca.pem
private_key = ca.key
default_crl_days = 30
[numbered]
database = index.txt
certificate = ca.pem
private_key = ca.key
default_crl_days = 30
crlnumber = crlnumber
[req]
distinguished_name = name
string_mask = utf8only
utf8 = yes
prompt = no
x509_extensions = of_ca
[name]
C = GB
O = \"Exämple, \\\"Ltd.\\\"\"
CN = \"CRL + CA\"
[of_ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[of_list]
authorityKeyIdentifier = keyid:always, issuer:always
[of_end_entities]
issuingDistributionPoint = critical, @end_entities
[end_entities]
onlyuser = TRUE
onlysomereasons = keyCompromise, CACompromise
fullname = URI:http://crl.example/end-entities.crl
[of_others]
issuingDistributionPoint = critical, @others
[others]
indirectCRL = TRUE
[delta]
2.5.29.27 = critical, DER:020101
";

/// A CA in a folder of its own.
struct Ca {
    folder: TempDir,
}

impl Ca {
    /// `key` is words of `openssl genpkey`, `entries` lines of `index.txt`.
    fn new(key: &str, entries: &str) -> Ca {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        fs::write(path.join("openssl.cnf"), CONFIGURATION).unwrap();
        fs::write(path.join("index.txt"), entries).unwrap();
        fs::write(path.join("crlnumber"), "1A2B3C").unwrap();
        run(path, &format!("genpkey -out ca.key {key}"));
        run(
            path,
            "req -x509 -new -config openssl.cnf -key ca.key -out ca.pem -days 30",
        );
        Ca { folder }
    }

    /// Makes `crl.pem` and `crl.der`.
    fn revoke(&self, options: &str) {
        let path = self.folder.path();
        run(
            path,
            &format!("ca -config openssl.cnf -gencrl -out crl.pem {options}"),
        );
        run(path, "crl -in crl.pem -outform DER -out crl.der");
    }

    fn file(&self, name: &str) -> Vec<u8> {
        fs::read(self.folder.path().join(name)).unwrap()
    }

    fn read(&self, name: &str) -> Result<Vec<Crl>, Reason> {
        self.read_of(&[self], name)
    }

    /// Reads a list in this folder that one of these may have signed.
    fn read_of(&self, cas: &[&Ca], name: &str) -> Result<Vec<Crl>, Reason> {
        let certificates: Vec<Vec<u8>> = cas.iter().map(|ca| ca.file("ca.pem")).collect();
        let authorities = authorities(&certificates);
        let bytes = self.file(name);
        let file = File {
            name,
            bytes: &bytes,
        };
        let signers = Signers::Authorities(&authorities);
        client_cert_crl::read(&file, signers, SystemTime::now())
            .map_err(|mut errors| *errors.remove(0).reason)
    }

    /// The list as OpenSSL prints it, whose signature OpenSSL has found good.
    fn printed(&self) -> Printed {
        run(
            self.folder.path(),
            "crl -in crl.pem -noout -verify -CAfile ca.pem",
        );
        Printed::of(self.folder.path(), "crl.pem", "PEM")
    }
}

fn run(folder: &Path, words: &str) -> String {
    openssl(folder, &words.split_ascii_whitespace().collect::<Vec<_>>())
}

/// Lines of `index.txt` with random serials of 1 to 20 octets and all reasons that OpenSSL knows.
fn random_entries(count: usize) -> String {
    const REASONS: [&str; 8] = [
        "",
        ",unspecified",
        ",keyCompromise",
        ",CACompromise",
        ",superseded",
        ",cessationOfOperation",
        ",holdInstruction,holdInstructionReject",
        ",keyTime,20260101000000Z",
    ];
    let seed = fastrand::u64(..);
    println!("seed of the entries: {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut serials = BTreeSet::new();
    while serials.len() < count {
        let octets = random.usize(1..=20);
        let first = format!("{:02X}", random.u8(1..));
        serials
            .insert((1..octets).fold(first, |serial, _| format!("{serial}{:02X}", random.u8(..))));
    }
    let mut lines = String::new();
    for (entry, serial) in serials.iter().enumerate() {
        let reason = REASONS[entry % REASONS.len()];
        writeln!(
            lines,
            "R\t360101000000Z\t260101000000Z{reason}\t{serial}\tunknown\t/CN={entry}"
        )
        .unwrap();
    }
    lines
}

const P_256: &str = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256";

#[test]
fn lists_of_every_algorithm_are_read_as_openssl_prints_them() {
    if !oracle::is_there() {
        return;
    }
    let pss = "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest";
    let p_384 = "-algorithm EC -pkeyopt ec_paramgen_curve:P-384";
    let p_521 = "-algorithm EC -pkeyopt ec_paramgen_curve:P-521";
    let table = [
        ("-algorithm RSA", "-md sha256", ""),
        ("-algorithm RSA", "-md sha384", ""),
        ("-algorithm RSA", "-md sha512", ""),
        ("-algorithm RSA", "-md sha256", pss),
        ("-algorithm RSA", "-md sha384", pss),
        ("-algorithm RSA", "-md sha512", pss),
        (P_256, "-md sha256", ""),
        (P_256, "-md sha384", ""),
        (P_256, "-md sha512", ""),
        (p_384, "-md sha256", ""),
        (p_384, "-md sha384", ""),
        (p_384, "-md sha512", ""),
        (p_521, "-md sha256", ""),
        (p_521, "-md sha384", ""),
        (p_521, "-md sha512", ""),
        ("-algorithm ED25519", "-md null", ""),
    ];
    let entries = random_entries(40);
    for (key, digest, options) in table {
        let ca = Ca::new(key, &entries);
        for list in ["-name plain", "-name numbered -crlexts of_list"] {
            ca.revoke(&format!("{list} {digest} {options}"));
            let printed = ca.printed();
            assert_eq!(printed.serials.len(), 40);
            for file in ["crl.pem", "crl.der"] {
                let lists = ca.read(file);
                let lists = lists.unwrap_or_else(|reason| panic!("{key} {digest}: {reason}"));
                assert_eq!(Printed::ours(&lists[0]), printed, "{key} {digest}");
            }
        }
    }
}

#[test]
fn a_list_without_version_and_one_with_number_are_told_apart() {
    if !oracle::is_there() {
        return;
    }
    let ca = Ca::new(P_256, "");
    for (list, number) in [("plain", None), ("numbered", Some("1A2B3C"))] {
        ca.revoke(&format!("-name {list} -md sha256"));
        assert_eq!(ca.read("crl.pem").unwrap()[0].number(), number);
    }
}

#[test]
fn kinds_of_lists_are_told_apart_as_openssl_makes_them() {
    if !oracle::is_there() {
        return;
    }
    let ca = Ca::new(P_256, &random_entries(3));
    let read = |options: &str| {
        ca.revoke(&format!("-name numbered -md sha256 {options}"));
        ca.read("crl.pem")
    };
    let lists = read("-crlexts of_end_entities").unwrap();
    let scope = lists[0].scope();
    assert_eq!(scope.certificates, CoveredCertificates::EndEntities);
    assert!(scope.only_some_reasons && scope.distribution_point);
    assert_eq!(Printed::ours(&lists[0]), ca.printed());

    assert_eq!(read("-crlexts of_others"), Err(Reason::IndirectCrl));
    assert_eq!(read("-crlexts delta"), Err(Reason::DeltaCrl));
    let dates = "-crl_lastupdate 20250101000000Z -crl_nextupdate 20250201000000Z";
    let expired = read(dates).unwrap_err().to_string();
    assert!(expired.starts_with("expired at 2025-02-01T00:00:00Z"));
    let dates = "-crl_lastupdate 21250101000000Z -crl_nextupdate 21250201000000Z";
    let early = read(dates).unwrap_err().to_string();
    assert!(early.starts_with("not valid before 2125-01-01T00:00:00Z"));
}

#[test]
fn weak_keys_and_algorithms_are_refused() {
    if !oracle::is_there() {
        return;
    }
    for key in [
        "-algorithm RSA -pkeyopt rsa_keygen_bits:1024",
        "-algorithm EC -pkeyopt ec_paramgen_curve:secp256k1",
    ] {
        let ca = Ca::new(key, "");
        ca.revoke("-name plain -md sha256");
        let reason = ca.read("crl.pem").unwrap_err();
        assert!(matches!(reason, Reason::UnsupportedKey { .. }), "{reason}");
    }

    let sha_1 = Ca::new("-algorithm RSA", "");
    sha_1.revoke("-name plain -md sha1");
    let reason = sha_1.read("crl.pem").unwrap_err().to_string();
    assert!(reason.starts_with("unsupported signature algorithm 1.2.840.113549.1.1.5"));
}

#[test]
fn a_list_by_the_key_of_another_ca_of_the_same_name_is_refused() {
    if !oracle::is_there() {
        return;
    }
    let (ca, other) = (Ca::new(P_256, ""), Ca::new("-algorithm RSA", ""));
    for list in ["plain", "numbered -crlexts of_list"] {
        ca.revoke(&format!("-name {list} -md sha256"));
        assert!(ca.read_of(&[&other, &ca], "crl.pem").is_ok());
    }
    let reason = ca.read_of(&[&other], "crl.pem").unwrap_err();
    assert!(
        matches!(reason, Reason::NoAuthorityWithKey { .. }),
        "{reason}"
    );
    ca.revoke("-name plain -md sha256");
    let reason = ca.read_of(&[&other], "crl.pem").unwrap_err();
    assert!(matches!(reason, Reason::BadSignature { .. }), "{reason}");
}
