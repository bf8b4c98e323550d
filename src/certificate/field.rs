//! The fields that headers can carry, and their names in configuration (contract §4.6).

use crate::nearest::nearest;

/// A fact about the client certificate that a header can carry, with its format.
/// [`super::Certificate::value`] and [`super::PeerCertificateStatus::value`] return the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// `1` when a certificate was presented, verified or not; `0` otherwise.
    CertPresented,
    /// `SUCCESS`, `FAILED` or `NONE`.
    CertVerified,
    /// Always `0`: Envoy doesn't tell a revoked certificate from another that fails verification.
    CertRevoked,
    /// The issuer as [`Field::CertIssuerDnRfc2253`].
    CertIssuerDn,
    /// The subject as [`Field::CertSubjectDnRfc2253`].
    CertSubjectDn,
    /// The issuer, last RDN first: `CN=Managed CA,O=Cloudflare\, Inc.,C=US`.
    CertIssuerDnRfc2253,
    /// The subject, last RDN first.
    CertSubjectDnRfc2253,
    /// The issuer, first RDN first: `/C=US/O=Cloudflare, Inc./CN=Managed CA`.
    CertIssuerDnLegacy,
    /// The subject, first RDN first.
    CertSubjectDnLegacy,
    /// Serial number, uppercase hex.
    CertSerial,
    /// Serial number of the issuer's certificate, from the authority key identifier, uppercase hex.
    CertIssuerSerial,
    /// Subject key identifier, uppercase hex without colons.
    CertSki,
    /// Key identifier of the issuer, from the authority key identifier, uppercase hex without
    /// colons.
    CertIssuerSki,
    /// SHA-1 of the DER, 40 lowercase hex digits.
    CertFingerprintSha1,
    /// SHA-256 of the DER, 64 lowercase hex digits.
    CertFingerprintSha256,
    /// SHA-256 of the DER in padded base64, as Google Cloud's `client_cert_sha256_fingerprint`.
    CertFingerprintSha256Base64,
    /// Start of validity: `May  5 23:11:00 2024 GMT`.
    CertNotBefore,
    /// End of validity: `May  5 23:11:00 2034 GMT`.
    CertNotAfter,
    /// Start of validity in RFC 3339: `2024-05-05T23:11:00Z`.
    CertNotBeforeRfc3339,
    /// End of validity in RFC 3339.
    CertNotAfterRfc3339,
    /// Both in RFC 3339, as AWS load balancers write them:
    /// `NotBefore=2024-05-05T23:11:00Z;NotAfter=2034-05-05T23:11:00Z`.
    CertValidity,
    /// The value of RFC 9440's `Client-Cert`: `:MIIB…:`.
    CertRfc9440,
    /// `true` when the certificate is too large for a header, `false` otherwise.
    CertRfc9440TooLarge,
    /// The value of RFC 9440's `Client-Cert-Chain`: `:MIIB…:, :MIIC…:`.
    CertChainRfc9440,
    /// `true` when the chain is too large for a header, `false` otherwise.
    CertChainRfc9440TooLarge,
    /// The DER in base64 (RFC 4648 §4), padded, on one line.
    CertDerBase64,
    /// [`Field::CertDerBase64`] of the leaf and of every certificate of the chain, comma-separated
    /// without a space, as Traefik's `X-Forwarded-Tls-Client-Cert`. The leaf alone where there is
    /// no chain; empty when leaf or chain is too large.
    CertWithChainDerBase64,
    /// URL-encoded PEM, as nginx's `$ssl_client_escaped_cert`.
    CertPemUrlEncoded,
    /// URL-encoded PEM with `+`, `/` and `=` as they are, as AWS load balancers'
    /// `X-Amzn-Mtls-Clientcert-Leaf`. Not for decoders that take `+` for a space.
    CertPemUrlEncodedLoose,
    /// `dNSName`s of the subject alternative name, comma-separated.
    CertSanDns,
    /// `uniformResourceIdentifier`s of the subject alternative name, comma-separated.
    CertSanUri,
    /// `rfc822Name`s of the subject alternative name, comma-separated.
    CertSanEmail,
    /// `iPAddress`es of the subject alternative name, comma-separated.
    CertSanIp,
    /// SHA-256 of the DER in base64url without padding: `x5t#S256` of RFC 8705.
    CertThumbprint,
    /// [`Field::CertPresented`] as `true` or `false`.
    PresentedBoolean,
    /// [`Field::CertVerified`] as `true` or `false`.
    VerifiedBoolean,
    /// [`Field::CertRevoked`] as `true` or `false`.
    RevokedBoolean,
}

impl Field {
    /// Every name that configuration may use, spelt as in Cloudflare Workers' `tlsClientAuth`.
    /// `certVerify` is in Cloudflare's own sample code and means `certVerified`.
    pub const ALL: &[(&str, Field)] = &[
        ("certPresented", Field::CertPresented),
        ("certVerified", Field::CertVerified),
        ("certVerify", Field::CertVerified),
        ("certRevoked", Field::CertRevoked),
        ("certIssuerDN", Field::CertIssuerDn),
        ("certSubjectDN", Field::CertSubjectDn),
        ("certIssuerDNRFC2253", Field::CertIssuerDnRfc2253),
        ("certSubjectDNRFC2253", Field::CertSubjectDnRfc2253),
        ("certIssuerDNLegacy", Field::CertIssuerDnLegacy),
        ("certSubjectDNLegacy", Field::CertSubjectDnLegacy),
        ("certSerial", Field::CertSerial),
        ("certIssuerSerial", Field::CertIssuerSerial),
        ("certSKI", Field::CertSki),
        ("certIssuerSKI", Field::CertIssuerSki),
        ("certFingerprintSHA1", Field::CertFingerprintSha1),
        ("certFingerprintSHA256", Field::CertFingerprintSha256),
        (
            "certFingerprintSHA256Base64",
            Field::CertFingerprintSha256Base64,
        ),
        ("certNotBefore", Field::CertNotBefore),
        ("certNotAfter", Field::CertNotAfter),
        ("certNotBeforeRFC3339", Field::CertNotBeforeRfc3339),
        ("certNotAfterRFC3339", Field::CertNotAfterRfc3339),
        ("certValidity", Field::CertValidity),
        ("certRFC9440", Field::CertRfc9440),
        ("certRFC9440TooLarge", Field::CertRfc9440TooLarge),
        ("certChainRFC9440", Field::CertChainRfc9440),
        ("certChainRFC9440TooLarge", Field::CertChainRfc9440TooLarge),
        ("certDerBase64", Field::CertDerBase64),
        ("certWithChainDerBase64", Field::CertWithChainDerBase64),
        ("certPemUrlEncoded", Field::CertPemUrlEncoded),
        ("certPemUrlEncodedLoose", Field::CertPemUrlEncodedLoose),
        ("certSanDns", Field::CertSanDns),
        ("certSanUri", Field::CertSanUri),
        ("certSanEmail", Field::CertSanEmail),
        ("certSanIp", Field::CertSanIp),
        ("certThumbprint", Field::CertThumbprint),
        ("certPresentedBoolean", Field::PresentedBoolean),
        ("certVerifiedBoolean", Field::VerifiedBoolean),
        ("certRevokedBoolean", Field::RevokedBoolean),
    ];

    /// Returns the field of this name, which must be spelt exactly.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Field> {
        Field::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, field)| *field)
    }

    /// Returns the name in configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        Field::ALL
            .iter()
            .find(|(_, field)| *field == self)
            .map_or("", |(name, _)| name)
    }

    /// Returns the name that a user who wrote `name` most likely meant, for "did you mean". `None`
    /// when no name is that close.
    #[must_use]
    pub fn nearest_name(name: &str) -> Option<&'static str> {
        nearest(name, Field::ALL.iter().map(|(known, _)| *known))
    }
}

/// The 17 headers of Cloudflare's Managed Transform "Add TLS client auth headers" and their fields.
pub const MANAGED_TRANSFORM: [(&str, Field); 17] = [
    ("cf-cert-revoked", Field::RevokedBoolean),
    ("cf-cert-verified", Field::VerifiedBoolean),
    ("cf-cert-presented", Field::PresentedBoolean),
    ("cf-cert-issuer-dn", Field::CertIssuerDn),
    ("cf-cert-subject-dn", Field::CertSubjectDn),
    ("cf-cert-issuer-dn-rfc2253", Field::CertIssuerDnRfc2253),
    ("cf-cert-subject-dn-rfc2253", Field::CertSubjectDnRfc2253),
    ("cf-cert-issuer-dn-legacy", Field::CertIssuerDnLegacy),
    ("cf-cert-subject-dn-legacy", Field::CertSubjectDnLegacy),
    ("cf-cert-serial", Field::CertSerial),
    ("cf-cert-issuer-serial", Field::CertIssuerSerial),
    ("cf-cert-sha256", Field::CertFingerprintSha256),
    ("cf-cert-sha1", Field::CertFingerprintSha1),
    ("cf-cert-not-before", Field::CertNotBefore),
    ("cf-cert-not-after", Field::CertNotAfter),
    ("cf-cert-ski", Field::CertSki),
    ("cf-cert-issuer-ski", Field::CertIssuerSki),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_to_its_field() {
        for (name, field) in Field::ALL {
            assert_eq!(Field::from_name(name), Some(*field));
            assert_eq!(Field::nearest_name(name), Some(*name));
        }
        assert_eq!(Field::from_name("certVerify"), Some(Field::CertVerified));
        assert_eq!(Field::from_name("CertVerified"), None);
        assert_eq!(Field::from_name("presentedBoolean"), None);
    }

    #[test]
    fn a_slip_finds_the_name_that_was_meant() {
        let table = [
            ("certserial", Some("certSerial")),
            ("certSerail", Some("certSerial")),
            ("certIssuer", Some("certIssuerDN")),
            ("cert_serial", Some("certSerial")),
            ("certFingerprintSHA265", Some("certFingerprintSHA256")),
            ("certDerBase46", Some("certDerBase64")),
            ("serial", None),
            ("", None),
            ("x-forwarded-for", None),
        ];
        for (name, expected) in table {
            assert_eq!(Field::nearest_name(name), expected, "{name}");
        }
        assert_eq!(Field::nearest_name(&"certSerial".repeat(1000)), None);
    }

    #[test]
    fn the_managed_transform_has_each_header_once() {
        let mut names: Vec<&str> = MANAGED_TRANSFORM.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 17);
        assert!(names.iter().all(|name| name.starts_with("cf-cert-")));
    }
}
