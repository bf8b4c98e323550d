//! CRLs and CA certificates of any shape.

pub(crate) mod der;
pub(crate) mod oracle;
pub(crate) mod pki;
pub(crate) mod vectors;

use client_cert_crl::{Authorities, Crl, Error, File, Reason, Signers};
use std::time::{Duration, SystemTime};

/// 2026-01-15T00:00:00Z: within the dates of [`pki::List`] and of most PKITS lists.
pub(crate) fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_768_435_200)
}

pub(crate) fn authorities(certificates: &[Vec<u8>]) -> Authorities {
    let files: Vec<File<'_>> = certificates
        .iter()
        .map(|bytes| File {
            name: "ca.pem",
            bytes,
        })
        .collect();
    Authorities::read(&files).unwrap_or_else(|errors| panic!("{errors:?}"))
}

/// Reads the one list of a file, checked against these CA certificates.
pub(crate) fn read(bytes: &[u8], authorities: &Authorities) -> Result<Crl, Reason> {
    read_all(bytes, authorities)
        .map(|mut lists| {
            assert_eq!(lists.len(), 1);
            lists.remove(0)
        })
        .map_err(|mut errors| {
            assert_eq!(errors.len(), 1, "{errors:?}");
            *errors.remove(0).reason
        })
}

pub(crate) fn read_all(bytes: &[u8], authorities: &Authorities) -> Result<Vec<Crl>, Vec<Error>> {
    let file = File {
        name: "revoked.crl",
        bytes,
    };
    client_cert_crl::read(&file, Signers::Authorities(authorities), now())
}

pub(crate) fn serials(list: &Crl) -> Vec<&str> {
    list.serials().collect()
}
