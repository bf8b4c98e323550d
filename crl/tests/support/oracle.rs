//! The `openssl` program.

use std::env;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

/// Whether there is an OpenSSL 3 to compare with; says what to do when not. LibreSSL, which macOS
/// calls `openssl`, writes names in another way. With `CI` set, its absence is a failure.
pub(crate) fn is_there() -> bool {
    let is_there = version().starts_with("OpenSSL 3");
    if !is_there {
        let message = format!(
            "`openssl` is {:?}, not OpenSSL 3: install it and put it first in PATH",
            version()
        );
        assert!(env::var_os("CI").is_none(), "{message}");
        println!("SKIPPED: {message}");
    }
    is_there
}

fn version() -> &'static str {
    static VERSION: OnceLock<String> = OnceLock::new();
    VERSION.get_or_init(|| {
        let output = Command::new("openssl").arg("version").output();
        output
            .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
            .unwrap_or_default()
    })
}

/// Runs `openssl` in `folder` with these words, and gives what it prints.
pub(crate) fn openssl(folder: &Path, words: &[&str]) -> String {
    let output = Command::new("openssl")
        .args(words)
        .current_dir(folder)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {words:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// What `openssl crl` prints of a list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Printed {
    pub(crate) issuer_dn: String,
    pub(crate) number: Option<String>,
    /// As RFC 3339 has it, as `next_update`.
    pub(crate) this_update: String,
    pub(crate) next_update: Option<String>,
    /// Sorted as text, each once.
    pub(crate) serials: Vec<String>,
}

impl Printed {
    /// `format` is `PEM` or `DER`.
    pub(crate) fn of(folder: &Path, file: &str, format: &str) -> Printed {
        let options = "-noout -issuer -nameopt RFC2253 -crlnumber -lastupdate -nextupdate \
                       -dateopt iso_8601 -text";
        let mut words = vec!["crl", "-in", file, "-inform", format];
        words.extend(options.split_ascii_whitespace());
        let output = openssl(folder, &words);
        let value = |label: &str| {
            let line = output.lines().find_map(|line| line.strip_prefix(label));
            line.map(str::to_owned)
        };
        let date = |label| value(label).map(|date| date.replace(' ', "T"));
        let mut serials: Vec<String> = output
            .lines()
            .filter_map(|line| line.trim().strip_prefix("Serial Number: "))
            .map(str::to_owned)
            .collect();
        serials.sort();
        serials.dedup();
        Printed {
            issuer_dn: value("issuer=").unwrap(),
            number: value("crlNumber=0x").filter(|number| !number.is_empty()),
            this_update: date("lastUpdate=").unwrap(),
            next_update: date("nextUpdate=").filter(|date| date != "NONE"),
            serials,
        }
    }

    /// The same of a list that was read here.
    pub(crate) fn ours(list: &client_cert_crl::Crl) -> Printed {
        Printed {
            issuer_dn: list.issuer_dn().to_owned(),
            number: list.number().map(str::to_owned),
            this_update: list.this_update().to_string(),
            next_update: list.next_update().map(|date| date.to_string()),
            serials: list.serials().map(str::to_owned).collect(),
        }
    }
}
