//! `ccf fields`, `ccf schema` and `ccf revocations`.

use std::fs;
use std::process::Command;

use super::program::{ccf, ccf_with, repository};

const CERTIFICATE: &str = "src/certificate/testdata/rfc9440.pem";

#[test]
fn the_fields_of_a_certificate_are_those_that_headers_carry() {
    let fields = ccf(["fields", CERTIFICATE, "--format", "json"]).json();
    let expected =
        fs::read_to_string(repository().join("src/certificate/testdata/rfc9440-client-cert.txt"))
            .unwrap();
    assert_eq!(fields["certRFC9440"], expected.trim());
    assert!(fields.get("certVerify").is_none());
    let run = ccf(["fields", CERTIFICATE]);
    assert_eq!(run.code, 0);
    for line in run.stdout.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert!(run.stdout.contains("certSubjectDN"), "{}", run.stdout);
}

#[test]
fn one_field_is_printed_whole_and_from_standard_input_too() {
    let pem = fs::read_to_string(repository().join(CERTIFICATE)).unwrap();
    let run = ccf_with(&["fields", "-", "--field", "certRFC9440"], &pem, &[]);
    assert!(run.stdout.starts_with(':') && run.stdout.ends_with(":\n"));
    let run = ccf(["fields", "--field", "certSubject", CERTIFICATE]);
    assert_eq!(run.code, 2);
    assert!(
        run.stderr.contains("did you mean \"certSubjectDN\"?"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_file_without_a_certificate_is_refused() {
    let run = ccf_with(&["fields", "-"], "nothing", &[]);
    assert_eq!(run.code, 2);
    assert!(
        run.stderr.contains("<stdin>: holds no certificate"),
        "{}",
        run.stderr
    );
}

#[test]
fn the_schema_is_the_shipped_one() {
    let shipped = fs::read_to_string(repository().join("envoy/plugin-config.schema.json")).unwrap();
    let run = ccf(["schema"]);
    assert_eq!(run.stdout, shipped);
    assert!(run.json()["$id"].is_string());
}

/// Runs OpenSSL's shell lines in a new folder that has a CA and one revoked certificate.
pub(crate) fn authority() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let script = "\
        set -e
        printf '[ca]\\ndefault_ca=d\\n[d]\\ndatabase=index.txt\\ndefault_md=sha256\\n\
            default_crl_days=30\\n' >ca.cnf
        printf 'R\\t350101000000Z\\t250101000000Z\\t2A\\tunknown\\t/CN=Lost\\n' >index.txt
        for name in ca other; do
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
                -subj /CN=Example\\ CA -keyout $name.key -out $name.pem
        done
        openssl ca -config ca.cnf -gencrl -cert ca.pem -keyfile ca.key -out crl.pem";
    let output = Command::new("sh")
        .args(["-c", script])
        .current_dir(&folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    folder
}

#[test]
fn revocation_lists_become_entries_of_the_configuration() {
    let folder = authority();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let run = ccf(["revocations", "--ca", &path("ca.pem"), &path("crl.pem")]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let expected = serde_json::json!([{ "issuer_dn": "CN=Example CA", "serial": "2A" }]);
    assert_eq!(run.json(), expected);

    let unchecked = ccf(["revocations", &path("crl.pem")]);
    assert_eq!(unchecked.json(), expected);
    assert!(unchecked.stderr.contains("--ca"), "{}", unchecked.stderr);

    let forged = ccf(["revocations", "--ca", &path("other.pem"), &path("crl.pem")]);
    assert_eq!((forged.code, forged.stdout.as_str()), (2, ""));
    assert!(forged.stderr.contains("crl.pem"), "{}", forged.stderr);
}
