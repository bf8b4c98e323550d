//! PEM and DER, one list or several.

use crate::support::pki::{Ca, List, entry};
use crate::support::{authorities, read, read_all, serials};
use client_cert_crl::{Authorities, Error, File, Reason};
use der::pem::{LineEnding, encode_string};

fn ca() -> Ca {
    Ca::new("Example CA", 1)
}

fn list(serial: u8) -> Vec<u8> {
    ca().sign(&List::new(vec![entry(&[serial], &[])]))
}

fn pem(label: &str, der: &[u8], line_ending: LineEnding) -> String {
    encode_string(label, line_ending, der).unwrap()
}

fn crl_pem(serial: u8) -> String {
    pem("X509 CRL", &list(serial), LineEnding::LF)
}

fn certificate_pem() -> String {
    pem("CERTIFICATE", &ca().certificate(), LineEnding::LF)
}

fn read_both(bytes: &[u8]) -> Result<Vec<String>, Vec<Error>> {
    let lists = read_all(bytes, &authorities(&[ca().certificate()]))?;
    Ok(lists
        .iter()
        .flat_map(|list| list.serials().map(str::to_owned))
        .collect())
}

#[test]
fn one_or_several_lists_are_read_however_they_are_encoded() {
    let crlf = pem("X509 CRL", &list(1), LineEnding::CRLF);
    let table: [(&str, Vec<u8>, &[&str]); 8] = [
        ("DER", list(1), &["01"]),
        ("PEM", crl_pem(1).into(), &["01"]),
        ("PEM with CRLF", crlf.into(), &["01"]),
        (
            "PEM with a byte order mark",
            format!("\u{feff}{}", crl_pem(1)).into(),
            &["01"],
        ),
        (
            "PEM after a text that starts as DER does",
            format!("0 is a digit\n{}", crl_pem(1)).into(),
            &["01"],
        ),
        ("DER after DER", [list(1), list(2)].concat(), &["01", "02"]),
        (
            "PEM after PEM",
            [crl_pem(1), crl_pem(2)].concat().into(),
            &["01", "02"],
        ),
        (
            "PEM among certificates and text",
            [&crl_pem(1), "text\n", &certificate_pem(), &crl_pem(2)]
                .concat()
                .into(),
            &["01", "02"],
        ),
    ];
    for (case, bytes, expected) in table {
        assert_eq!(read_both(&bytes).unwrap(), expected, "{case}");
    }
}

#[test]
fn a_file_that_is_no_list_is_refused() {
    let unended = crl_pem(1).replace("-----END X509 CRL-----", "");
    let damaged = crl_pem(1).replace("M", "!");
    let (certificate, cut) = (certificate_pem(), list(1));
    let table: [(&str, &[u8], &str); 8] = [
        ("nothing", b"", "no CRL found: give PEM"),
        ("text", b"certificates\n", "no CRL found: give PEM"),
        (
            "a certificate",
            certificate.as_bytes(),
            "or DER; this file holds a certificate",
        ),
        (
            "a certificate in DER",
            &ca().certificate(),
            "or DER; this file holds a certificate",
        ),
        ("no end", unended.as_bytes(), "damaged PEM: "),
        ("no base64", damaged.as_bytes(), "damaged PEM: "),
        ("cut DER", &cut[..cut.len() - 1], "malformed: "),
        ("other DER", &[0x30, 3, 2, 1, 5], "malformed: "),
    ];
    for (case, bytes, expected) in table {
        let errors = read_both(bytes).unwrap_err();
        let text = errors[0].to_string();
        assert!(text.starts_with("revoked.crl: "), "{case}: {text}");
        assert!(text.contains(expected), "{case}: {text}");
    }
}

#[test]
fn every_bad_list_of_a_file_is_named() {
    let stranger = Ca::new("Stranger", 2).sign(&List::new(Vec::new()));
    let bytes = [list(1), vec![0x30, 0], stranger].concat();
    let errors: Vec<String> = read_both(&bytes)
        .unwrap_err()
        .iter()
        .map(Error::to_string)
        .collect();
    assert_eq!(errors.len(), 2);
    assert!(errors[0].starts_with("revoked.crl, number 2: malformed: "));
    assert!(errors[1].starts_with("revoked.crl, number 3, CRL of \"CN=Stranger\": no CA "));
}

#[test]
fn ca_certificates_are_read_from_bundles_and_every_bad_file_is_named() {
    let bundle = [
        pem(
            "CERTIFICATE",
            &Ca::new("Other CA", 2).certificate(),
            LineEnding::LF,
        ),
        certificate_pem(),
    ]
    .concat();
    let file = |name, bytes| File { name, bytes };
    let authorities = Authorities::read(&[file("bundle.pem", bundle.as_bytes())]).unwrap();
    assert_eq!(serials(&read(&list(1), &authorities).unwrap()), ["01"]);

    let errors = Authorities::read(&[
        file("empty.pem", b""),
        file("bundle.pem", bundle.as_bytes()),
        file("crl.der", &list(1)),
    ])
    .unwrap_err();
    assert_eq!(errors.len(), 2);
    assert_eq!(
        errors[0].to_string(),
        "empty.pem: no certificate found: give PEM (`-----BEGIN CERTIFICATE-----`) or DER"
    );
    assert!(matches!(*errors[1].reason, Reason::Malformed(_)));
}
