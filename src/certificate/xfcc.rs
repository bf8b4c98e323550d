//! The certificate chain in Envoy's `x-forwarded-client-cert` header, where an HTTP connection
//! manager with `set_current_client_cert_details: { chain: true }` puts it.
//!
//! The header is a comma-separated list of elements, one for each proxy; an element is a
//! semicolon-separated list of `Key=Value` pairs; values with separators in them are in double
//! quotes, in which a backslash escapes the next character.

use super::pem;

/// Decodes the `Chain` of the header's last element, which is the one that this Envoy wrote: DER
/// certificates as the client presented them, the leaf included. Empty when there is no `Chain`,
/// and when the element is malformed or has two.
///
/// Envoy writes subject alternative names into the header without quotes, so a certificate with
/// separators in such a name can spoil its own element. The caller therefore checks the chain
/// against the certificate of the connection: see [`without_leaf`].
#[must_use]
pub fn chain(value: &[u8]) -> Vec<Vec<u8>> {
    let Some(elements) = split(value, b',') else {
        return Vec::new();
    };
    let pairs = elements
        .last()
        .and_then(|element| split(element, b';'))
        .unwrap_or_default();
    let mut chains = pairs.iter().filter_map(|pair| value_of(pair, b"Chain"));
    match (chains.next(), chains.next()) {
        (Some(chain), None) => pem::decode_all(chain),
        _ => Vec::new(),
    }
}

/// Returns the certificates after the leaf in `presented`, in TLS order. TLS puts the leaf first
/// (RFC 8446 §4.4.2), so a chain that doesn't start with `leaf`, compared by DER, belongs to
/// another connection: empty.
#[must_use]
pub fn without_leaf(presented: Vec<Vec<u8>>, leaf: &[u8]) -> Vec<Vec<u8>> {
    let mut certificates = presented.into_iter();
    match certificates.next() {
        Some(first) if first == leaf => certificates
            .filter(|certificate| certificate != leaf)
            .collect(),
        _ => Vec::new(),
    }
}

/// Splits at separators outside quotes. `None` when a quote stays open.
fn split(text: &[u8], separator: u8) -> Option<Vec<&[u8]>> {
    let mut is_quoted = false;
    let mut is_escaped = false;
    let parts = text
        .split(|byte| {
            let was_escaped = std::mem::take(&mut is_escaped);
            match byte {
                b'\\' if is_quoted => is_escaped = !was_escaped,
                b'"' if !was_escaped => is_quoted = !is_quoted,
                _ => {}
            }
            *byte == separator && !is_quoted
        })
        .collect();
    (!is_quoted).then_some(parts)
}

/// Returns the value of a `Key=Value` pair with this key, without its quotes. URL-encoded PEM has
/// nothing escaped in it.
fn value_of<'a>(pair: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let position = pair.iter().position(|byte| *byte == b'=')?;
    let (name, value) = (pair.get(..position)?, pair.get(position + 1..)?);
    if !name.trim_ascii().eq_ignore_ascii_case(key) {
        return None;
    }
    let value = value.trim_ascii();
    Some(
        value
            .strip_prefix(b"\"")
            .and_then(|value| value.strip_suffix(b"\""))
            .unwrap_or(value),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAF: &str = "-----BEGIN%20CERTIFICATE-----%0AAQ%3D%3D%0A-----END%20CERTIFICATE-----%0A";
    const CA: &str = "-----BEGIN%20CERTIFICATE-----%0AAg%3D%3D%0A-----END%20CERTIFICATE-----%0A";

    #[test]
    fn the_chain_of_the_last_element_is_read() {
        let table = [
            (
                "Envoy's own",
                format!(
                    "By=spiffe://a;Hash=12;Cert=\"{LEAF}\";Chain=\"{LEAF}{CA}\";\
                     Subject=\"CN=a\";URI=spiffe://b"
                ),
            ),
            ("without quotes", format!("Chain={LEAF}{CA}")),
            (
                "after other proxies",
                format!("Hash=1;Chain=\"{CA}\",Hash=2;Chain=\"{LEAF}{CA}\""),
            ),
            (
                "with separators in the subject",
                format!("Subject=\"O=a\\\\, \\\"b\\\";Chain=x,c\";Chain=\"{LEAF}{CA}\""),
            ),
            (
                "with spaces and another case",
                format!("hash=1; chain = \"{LEAF}{CA}\""),
            ),
        ];
        for (case, value) in table {
            assert_eq!(
                chain(value.as_bytes()),
                [vec![1], vec![2]],
                "{case}: {value}"
            );
        }
    }

    #[test]
    fn what_has_no_readable_chain_gives_nothing() {
        let table = [
            ("nothing", String::new()),
            ("no chain", format!("Hash=1;Cert=\"{LEAF}\"")),
            (
                "no chain in the last element",
                format!("Chain=\"{LEAF}{CA}\",Hash=1"),
            ),
            ("an empty last element", format!("Chain=\"{LEAF}{CA}\",")),
            ("two chains", format!("Chain=\"{LEAF}\";Chain=\"{CA}\"")),
            ("an open quote", format!("Chain=\"{LEAF}{CA}")),
            (
                "an open quote after the chain",
                format!("Chain=\"{LEAF}{CA}\";DNS=\""),
            ),
            (
                "a separator in a name without quotes",
                format!("Chain=\"{LEAF}{CA}\";URI=urn:a,b"),
            ),
            (
                "a chain only inside a quoted value",
                format!("Subject=\"a\\\";Chain={LEAF}\""),
            ),
            ("no PEM", "Chain=\"AQ==\"".to_owned()),
        ];
        for (case, value) in table {
            assert_eq!(
                chain(value.as_bytes()),
                Vec::<Vec<u8>>::new(),
                "{case}: {value}"
            );
        }
    }

    #[test]
    fn the_leaf_is_taken_off_its_chain() {
        let table = [
            (vec![vec![1], vec![2], vec![3]], vec![vec![2], vec![3]]),
            (vec![vec![1], vec![2], vec![1]], vec![vec![2]]),
            (vec![vec![1]], vec![]),
            (vec![vec![2], vec![1]], vec![]),
            (vec![], vec![]),
        ];
        for (presented, expected) in table {
            assert_eq!(
                without_leaf(presented.clone(), &[1]),
                expected,
                "{presented:?}"
            );
        }
    }
}
