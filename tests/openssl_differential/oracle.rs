//! Runs the `openssl` program and reads its output.

use client_cert_forwarder::certificate::field::Field;
use std::io::Write;
use std::net::IpAddr;
use std::process::{Command, Stdio};
use std::{env, sync::OnceLock};

/// Tells whether there is an OpenSSL 3 to compare with, and prints how to get it when not.
/// LibreSSL, which macOS calls `openssl`, writes names in another way. With `CI` set its absence is
/// a failure.
pub(crate) fn is_there() -> bool {
    let is_there = version().starts_with("OpenSSL 3");
    if !is_there {
        let message = format!(
            "`openssl` is {:?}, not OpenSSL 3: install it and put it first in PATH to compare with it",
            version()
        );
        assert!(env::var_os("CI").is_none(), "{message}");
        println!("SKIPPED: {message}");
    }
    is_there
}

/// Returns `OpenSSL 3.0.19 27 Jan 2026 …`, empty without `openssl`.
pub(crate) fn version() -> &'static str {
    static VERSION: OnceLock<String> = OnceLock::new();
    VERSION.get_or_init(|| {
        let output = Command::new("openssl").arg("version").output();
        output
            .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
            .unwrap_or_default()
    })
}

/// The output of `openssl x509` for one certificate.
pub(crate) struct Printed {
    /// Output with RFC 2253 names, and with names on one line. Every value stands after its label.
    rfc2253: String,
    compat: String,
    fingerprint_sha1: String,
    fingerprint_sha256: String,
    subject_key_id: String,
    authority_key_id: String,
    authority_serial: String,
    alternative_names: [String; 4],
}

impl Printed {
    /// Runs `openssl` twice; `Err` with its words when it can't read the certificate.
    pub(crate) fn of(der: &[u8]) -> Result<Printed, String> {
        let extensions = "subjectKeyIdentifier,authorityKeyIdentifier,subjectAltName";
        let rfc2253 = x509(
            der,
            &[
                "-nameopt",
                "RFC2253",
                "-subject",
                "-issuer",
                "-serial",
                "-dates",
                "-fingerprint",
                "-sha1",
                "-ext",
                extensions,
            ],
        )?;
        let compat = x509(
            der,
            &[
                "-nameopt",
                "compat",
                "-subject",
                "-issuer",
                "-fingerprint",
                "-sha256",
            ],
        )?;

        let fingerprint = |output: &str| {
            labelled(output, "Fingerprint=", "\n")
                .replace(':', "")
                .to_ascii_lowercase()
        };
        let authority = labelled(&rfc2253, "X509v3 Authority Key Identifier:", "X509v3");
        let (mut authority_key_id, mut authority_serial) = (String::new(), String::new());
        for line in authority.lines().skip(1).map(str::trim) {
            match line.split_once(':') {
                Some(("keyid", key_id)) => authority_key_id = key_id.replace(':', ""),
                Some(("serial", serial)) => authority_serial = serial.replace(':', ""),
                Some(("DirName", _)) => {}
                // With nothing else in the extension, OpenSSL 3 leaves the label out.
                _ if line
                    .bytes()
                    .all(|byte| byte == b':' || byte.is_ascii_hexdigit()) =>
                {
                    authority_key_id = line.replace(':', "");
                }
                _ => {}
            }
        }
        let subject_key_id = labelled(&rfc2253, "X509v3 Subject Key Identifier:", "X509v3");
        let alternative_names = labelled(&rfc2253, "X509v3 Subject Alternative Name:", "X509v3");
        let names = alternative_names
            .split_once('\n')
            .map_or("", |(_, names)| names.trim());
        Ok(Printed {
            fingerprint_sha1: fingerprint(&rfc2253),
            fingerprint_sha256: fingerprint(&compat),
            subject_key_id: subject_key_id
                .lines()
                .nth(1)
                .unwrap_or_default()
                .trim()
                .replace(':', ""),
            authority_key_id,
            authority_serial,
            alternative_names: ["DNS:", "URI:", "email:", "IP Address:"]
                .map(|label| listed(names, label)),
            rfc2253,
            compat,
        })
    }

    /// Returns each field that OpenSSL prints with its text, empty for a missing extension.
    pub(crate) fn fields(&self) -> Vec<(Field, &str)> {
        let [dns, uri, email, ip] = &self.alternative_names;
        vec![
            (
                Field::CertSubjectDn,
                labelled(&self.rfc2253, "subject=", "\n"),
            ),
            (
                Field::CertIssuerDn,
                labelled(&self.rfc2253, "\nissuer=", "\n"),
            ),
            (
                Field::CertSubjectDnRfc2253,
                labelled(&self.rfc2253, "subject=", "\n"),
            ),
            (
                Field::CertIssuerDnRfc2253,
                labelled(&self.rfc2253, "\nissuer=", "\n"),
            ),
            (
                Field::CertSubjectDnLegacy,
                labelled(&self.compat, "subject=", "\n"),
            ),
            (
                Field::CertIssuerDnLegacy,
                labelled(&self.compat, "\nissuer=", "\n"),
            ),
            (
                Field::CertSerial,
                labelled(&self.rfc2253, "\nserial=", "\nnotBefore="),
            ),
            (
                Field::CertNotBefore,
                labelled(&self.rfc2253, "\nnotBefore=", "\n"),
            ),
            (
                Field::CertNotAfter,
                labelled(&self.rfc2253, "\nnotAfter=", "\n"),
            ),
            (Field::CertFingerprintSha1, &self.fingerprint_sha1),
            (Field::CertFingerprintSha256, &self.fingerprint_sha256),
            (Field::CertSki, &self.subject_key_id),
            (Field::CertIssuerSki, &self.authority_key_id),
            (Field::CertIssuerSerial, &self.authority_serial),
            (Field::CertSanDns, dns),
            (Field::CertSanUri, uri),
            (Field::CertSanEmail, email),
            (Field::CertSanIp, ip),
        ]
    }
}

/// Runs `openssl x509` on the certificate and returns its output.
fn x509(der: &[u8], options: &[&str]) -> Result<String, String> {
    let mut child = Command::new("openssl")
        .args(["x509", "-inform", "DER", "-noout"])
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("openssl: {error}"))?;
    // Certificates of the corpus fit into the pipe, so nothing waits here.
    child
        .stdin
        .take()
        .unwrap()
        .write_all(der)
        .map_err(|error| error.to_string())?;
    let output = child
        .wait_with_output()
        .map_err(|error| error.to_string())?;
    if !output.status.success() || output.stdout.is_empty() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    String::from_utf8(output.stdout).map_err(|error| error.to_string())
}

/// Returns the text between a label and the next `end`, empty without the label.
fn labelled<'a>(output: &'a str, label: &str, end: &str) -> &'a str {
    let value = output.split_once(label).map_or("", |(_, after)| after);
    value.split_once(end).map_or(value, |(before, _)| before)
}

/// Selects the names of one kind out of `DNS:a, URI:b, …`, comma-separated. OpenSSL doesn't shorten
/// IPv6 addresses.
fn listed(names: &str, label: &str) -> String {
    let of_kind = names
        .split(", ")
        .filter_map(|name| name.strip_prefix(label));
    let values: Vec<String> = of_kind
        .map(|name| {
            name.parse::<IpAddr>()
                .map_or_else(|_| name.to_owned(), |address| address.to_string())
        })
        .collect();
    values.join(",")
}
