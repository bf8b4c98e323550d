//! A CA that OpenSSL runs, and the CRLs that it makes.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

const CONFIGURATION: &str = "
[ca]
default_ca = tests
[tests]
database = index.txt
certificate = ca.pem
private_key = ca.key
default_md = sha256
crlnumber = crlnumber
default_crl_days = 30
[req]
distinguished_name = name
prompt = no
x509_extensions = of_ca
[name]
O = Tests
CN = Revoking CA
[of_ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
";

/// The CA's name as `certIssuerDN` has it.
pub(crate) const ISSUER: &str = "CN=Revoking CA,O=Tests";

/// A CA in a folder of its own.
pub(crate) struct CertificateAuthority(TempDir);

impl CertificateAuthority {
    pub(crate) fn new() -> CertificateAuthority {
        let ca = CertificateAuthority(tempfile::tempdir().expect("a temporary folder"));
        fs::write(ca.path("openssl.cnf"), CONFIGURATION).expect("a written file");
        fs::write(ca.path("crlnumber"), "0A").expect("a written file");
        ca.openssl("ecparam -genkey -name prime256v1 -noout -out ca.key");
        ca.openssl("req -x509 -new -config openssl.cnf -key ca.key -out ca.pem -days 30");
        ca
    }

    /// Its certificate, PEM.
    pub(crate) fn certificate(&self) -> String {
        fs::read_to_string(self.path("ca.pem")).expect("a certificate")
    }

    /// A CRL (PEM) of these serials, with further options of `openssl ca`.
    pub(crate) fn crl(&self, serials: &[&str], options: &str) -> String {
        let line = |serial| format!("R\t491231235959Z\t260101000000Z\t{serial}\tunknown\t/CN=c\n");
        let index: String = serials.iter().map(line).collect();
        fs::write(self.path("index.txt"), index).expect("a written file");
        self.openssl(&format!(
            "ca -config openssl.cnf -gencrl -out crl.pem {options}"
        ));
        fs::read_to_string(self.path("crl.pem")).expect("a CRL")
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn openssl(&self, words: &str) {
        run(self.0.path(), words);
    }
}

fn run(folder: &Path, words: &str) {
    let output = Command::new("openssl")
        .args(words.split_ascii_whitespace())
        .current_dir(folder)
        .output()
        .expect("openssl runs");
    assert!(output.status.success(), "openssl {words}: {output:?}");
}
