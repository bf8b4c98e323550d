//! The header names that only this filter may set (contract §4.1).
//!
//! Origins that map header names to CGI, WSGI or PHP variable names can't tell
//! `Cf-Client-Cert-Sha256` from `cf_client.cert_sha256`, and lighttpd, Apache 2.2 and mod_fcgid put
//! `_` in the place of everything that is no letter or digit. So names are compared folded: case
//! ignored, every such byte read as `-`.

use crate::headers::names::fold;

/// The two families that are managed whatever the configuration says.
const FAMILIES: [&[u8]; 2] = [b"cf-client-cert-", b"cf-cert-"];

/// Every managed name: the two families, and the names that the configuration's settings use.
#[derive(Debug, Default)]
pub struct ManagedHeaders {
    /// Folded and sorted: a request's names are compared as they are folded, none is copied.
    names: Vec<Box<[u8]>>,
}

impl ManagedHeaders {
    /// The families, and `names` in any spelling.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut names: Vec<Box<[u8]>> = names
            .into_iter()
            .map(|name| fold(name.as_bytes()).collect())
            .collect();
        names.sort_unstable();
        names.dedup();
        Self { names }
    }

    /// Returns the configuration's own names, folded.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.names.iter().map(|name| &**name)
    }

    /// Whether `name`, in whatever spelling a client chose, is one of them.
    #[must_use]
    pub fn contains(&self, name: &[u8]) -> bool {
        let is_of = |family: &[u8]| {
            name.len() >= family.len()
                && fold(name)
                    .zip(family)
                    .all(|(byte, expected)| byte == *expected)
        };
        // Most names end here: one byte is looked at, not two families.
        let may_be_of_a_family = matches!(name, [b'c' | b'C', b'f' | b'F', ..]);
        (may_be_of_a_family && FAMILIES.into_iter().any(is_of))
            || self
                .names
                .binary_search_by(|managed| managed.iter().copied().cmp(fold(name)))
                .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::ManagedHeaders;

    #[test]
    fn every_spelling_of_a_managed_name_is_found() {
        let managed = ManagedHeaders::new(["X-CERT-SERIAL", "Client-Cert"]);
        for name in [
            "cf-client-cert-der-base64",
            "Cf-Client-Cert-Sha256",
            "cf_client.cert-SHA256",
            "CF.CLIENT.CERT.ANYTHING",
            "cf-client-cert-",
            "cf-cert-verified",
            "cf_cert_verified",
            "cf.cert.",
            "cf!client#cert$sha256",
            "cf%cert&verified",
            "cf'cert*verified",
            "cf+cert|~verified",
            "x-cert-serial",
            "x^cert`serial",
            "x_cert.Serial",
            "client_cert",
        ] {
            assert!(managed.contains(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn names_that_only_resemble_a_managed_one_are_left_alone() {
        let managed = ManagedHeaders::new(["X-CERT-SERIAL"]);
        for name in [
            "cf-client-certificate",
            "cf-client-cert",
            "cf-certs",
            "cf-cert",
            "cf-connecting-ip",
            "x-cf-cert-verified",
            "x-cert-serial-number",
            "x-cert",
            "client-cert",
            "cfclient-cert-der",
            "",
        ] {
            assert!(!managed.contains(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn a_pseudo_header_is_no_spelling_of_a_managed_name() {
        let managed = ManagedHeaders::new(["-path"]);
        assert!(managed.contains(b"_path"));
        assert!(!managed.contains(b":path"));
    }

    #[test]
    fn names_with_any_bytes_are_compared_without_failing() {
        let managed = ManagedHeaders::default();
        assert!(managed.contains(b"cf-cert-\xff\x00"));
        assert!(!managed.contains(b"\xff\xfe"));
    }
}
