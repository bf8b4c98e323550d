//! Header names as origins fold them, and the ones that clients may not send (contract §4.1).

/// Letters in lower case, digits, the colon of pseudo-headers, and `-` for everything else.
#[must_use]
pub fn folded(name: &[u8]) -> Vec<u8> {
    let mut folded = Vec::new();
    for byte in name {
        folded.push(match byte {
            b'A'..=b'Z' => byte + 32,
            b'a'..=b'z' | b'0'..=b'9' | b':' => *byte,
            _ => 45,
        });
    }
    folded
}

/// Whether `name` may only be set by a filter whose settings use the names `configured`.
#[must_use]
pub fn is_managed(name: &[u8], configured: &[&str]) -> bool {
    let name = folded(name);
    name.starts_with(b"cf-client-cert-")
        || name.starts_with(b"cf-cert-")
        || configured
            .iter()
            .any(|other| folded(other.as_bytes()) == name)
}
