//! The Envoy that the tests run, and the features of its version.

use std::{fmt, path::PathBuf, process::Command, sync::OnceLock};

use crate::wasm::repository;

/// The Envoy that runs when neither `ENVOY_BIN` nor `ENVOY_VERSION` says otherwise.
pub const DEFAULT_VERSION: &str = "1.40.0";

/// Envoy's binary: `ENVOY_BIN`, or the one of `ENVOY_VERSION` that `tests/fetch-envoy` has put into
/// this checkout.
///
/// # Panics
/// When it is missing, with the command that fetches it.
pub fn envoy_binary() -> PathBuf {
    if let Some(path) = std::env::var_os("ENVOY_BIN") {
        return PathBuf::from(path);
    }
    let version = std::env::var("ENVOY_VERSION").unwrap_or_else(|_| DEFAULT_VERSION.to_owned());
    let binary = repository().join(".envoy").join(&version).join("envoy");
    assert!(
        binary.is_file(),
        "{} is missing; fetch it with: tests/fetch-envoy {version}",
        binary.display()
    );
    binary
}

/// The version that [`envoy_binary`] reports, so that tests know its features.
pub fn envoy_version() -> Version {
    static VERSION: OnceLock<Version> = OnceLock::new();
    *VERSION.get_or_init(|| {
        let binary = envoy_binary();
        let output = Command::new(&binary)
            .arg("--version")
            .output()
            .unwrap_or_else(|error| panic!("{} does not run: {error}", binary.display()));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.split('/')
            .find_map(Version::parse)
            .unwrap_or_else(|| panic!("no version in {text:?}"))
    })
}

/// Major, minor and patch number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32, pub u32);

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.0, self.1, self.2)
    }
}

impl Version {
    /// The attribute `connection.peer_certificate` exists.
    pub fn has_peer_certificate(self) -> bool {
        self >= Version(1, 38, 0)
    }

    /// The attribute `connection.peer_certificate_valid` exists.
    pub fn has_peer_certificate_valid(self) -> bool {
        self >= Version(1, 39, 0)
    }

    /// A QUIC listener can ask for a client certificate. Older ones refuse such a listener.
    pub fn has_quic_client_certificates(self) -> bool {
        self >= Version(1, 40, 0)
    }

    fn parse(text: &str) -> Option<Version> {
        let mut numbers = text.split('.').map(|number| number.parse().ok());
        let version = Version(numbers.next()??, numbers.next()??, numbers.next()??);
        numbers.next().is_none().then_some(version)
    }
}
