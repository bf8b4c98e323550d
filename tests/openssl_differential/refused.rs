//! Certificates that an oracle refuses.

use crate::x509_cert::Part;

/// Certificates of the fixed corpus that OpenSSL 3 can't read; BoringSSL refuses them too.
pub(crate) const BY_OPENSSL: [&str; 2] = [
    "x509/custom/invalid_utf8_common_name.pem",
    "x509/custom/name_attribute_unsupported_tag.pem",
];

/// Certificates of the fixed corpus that `x509-cert` refuses and a real Envoy lets in: the start of
/// their labels, the part that is refused, how many they are, and why `x509-cert` refuses them.
pub(crate) const LET_IN: &[(&str, Part, usize, &str)] = &[
    ("values ", Part::Certificate, 22, "a UniversalString"),
    (
        "unknown attributes",
        Part::Certificate,
        1,
        "the OID 2.999.1",
    ),
    (
        "the OID of a UUID",
        Part::Certificate,
        1,
        "an OID arc of 2^32 or more",
    ),
    (
        "a long OID",
        Part::Certificate,
        1,
        "an OID of more than 39 octets",
    ),
    (
        "serial ",
        Part::AuthorityKeyId,
        2,
        "a serial of more than 21 octets",
    ),
    ("dates [(23", Part::Certificate, 2, "a UTCTime before 1970"),
    (
        "dates [(24",
        Part::Certificate,
        2,
        "a GeneralizedTime before 1970",
    ),
    (
        "pkcs7/non-ascii-san.pem",
        Part::AlternativeNames,
        1,
        "a name beyond ASCII",
    ),
    (
        "x509/utf8-dnsname.pem",
        Part::AlternativeNames,
        1,
        "a name beyond ASCII",
    ),
    (
        "x509/custom/malformed-san.pem",
        Part::AlternativeNames,
        1,
        "a malformed otherName",
    ),
    (
        "x509/san_edipartyname.der",
        Part::AlternativeNames,
        1,
        "an ediPartyName",
    ),
    (
        "x509/san_x400address.der",
        Part::AlternativeNames,
        1,
        "an x400Address",
    ),
    (
        "x509/PKITS_data/certs/Validpre2000UTCnotBeforeDateTest3EE.crt",
        Part::Certificate,
        1,
        "a UTCTime before 1970",
    ),
];
