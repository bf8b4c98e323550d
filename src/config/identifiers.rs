//! Texts that identify certificates: fingerprints, serial numbers and names, checked as written.

use super::json::quoted;
use crate::hostname::dns_name;

/// Reads a SHA-256 fingerprint: 64 hex digits in any case, with or without colons between octets.
///
/// # Errors
/// Says what is wrong, and which text was likely meant.
pub(super) fn sha256(text: &str) -> Result<[u8; 32], String> {
    if let Some(digest) = digest(text) {
        return Ok(digest);
    }
    // As OpenSSL and container tools print it: `sha256 Fingerprint=AB:CD:…`, `sha256:abcd…`.
    let behind_label = text.rsplit(['=', ' ', 'x']).next().unwrap_or(text);
    let behind_label = behind_label.strip_prefix("sha256:").unwrap_or(behind_label);
    let digits = text.bytes().filter(u8::is_ascii_hexdigit).count();
    Err(if digest(behind_label).is_some() {
        format!("leave out the label, did you mean {behind_label:?}?")
    } else if digits == 40 && is_hex(text) {
        format!("{} is a SHA-1 fingerprint, give the SHA-256", quoted(text))
    } else {
        format!(
            "{} is not a SHA-256 fingerprint: 64 hex digits, with or without colons",
            quoted(text)
        )
    })
}

fn digest(text: &str) -> Option<[u8; 32]> {
    let separated = match text.len() {
        64 => false,
        95 => true,
        _ => return None,
    };
    let mut digest = [0; 32];
    let octets = text.as_bytes().chunks(if separated { 3 } else { 2 });
    for (octet, digits) in digest.iter_mut().zip(octets) {
        let (high, low) = match digits {
            [high, low] | [high, low, b':'] => (high, low),
            _ => return None,
        };
        let value = char::from(*high).to_digit(16)? * 16 + char::from(*low).to_digit(16)?;
        *octet = u8::try_from(value).ok()?;
    }
    Some(digest)
}

fn is_hex(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_hexdigit() || byte == b':')
}

/// Reads a serial number as the field `certSerial` has it, in its one form (see [`plain_serial`]).
///
/// # Errors
/// Says what is wrong, and which text was likely meant.
pub(super) fn serial(text: &str) -> Result<String, String> {
    let magnitude = text.strip_prefix('-').unwrap_or(text);
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_hexdigit());
    if magnitude.split(':').all(is_digits) {
        return Ok(plain_serial(text));
    }
    let hint = match text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        Some(digits) if digits.split(':').all(is_digits) => format!(", did you mean {digits:?}?"),
        _ => String::new(),
    };
    let text = quoted(text);
    Err(format!(
        "{text} is not a serial number in hex, as \"certSerial\" has it{hint}"
    ))
}

/// Returns a serial number in upper case, without colons and leading zeros; zero is `0`.
#[must_use]
pub(super) fn plain_serial(text: &str) -> String {
    let (sign, magnitude) = match text.strip_prefix('-') {
        Some(magnitude) => ("-", magnitude),
        None => ("", text),
    };
    let digits = magnitude.replace(':', "").to_ascii_uppercase();
    match digits.trim_start_matches('0') {
        "" => "0".to_owned(),
        digits => format!("{sign}{digits}"),
    }
}

/// Checks a distinguished name in the form of the fields `certSubjectDN` and `certIssuerDN`.
///
/// # Errors
/// Says what is wrong, and which text was likely meant.
pub(super) fn distinguished_name(text: &str) -> Result<(), String> {
    let kind = text.split('=').next().unwrap_or_default();
    let is_kind = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
    let has_kind = kind.len() < text.len() && !kind.is_empty() && kind.bytes().all(is_kind);
    let is_printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if has_kind && is_printable && !has_space_behind_comma(text) {
        return Ok(());
    }
    let repaired = in_rfc2253(text);
    let hint = if repaired != text && distinguished_name(&repaired).is_ok() {
        format!(", did you mean {repaired:?}?")
    } else {
        String::new()
    };
    let text = quoted(text);
    Err(format!(
        "{text} is not a name as \"certSubjectDN\" has it: \"CN=a,O=b,C=US\"{hint}"
    ))
}

/// Whether a comma that separates is followed by a space, which RFC 2253 never writes.
fn has_space_behind_comma(text: &str) -> bool {
    let mut bytes = text
        .bytes()
        .zip(text.bytes().skip(1))
        .zip(text.bytes().skip(2));
    bytes.any(|((before, at), behind)| before != b'\\' && at == b',' && behind == b' ')
}

/// Rewrites OpenSSL's other forms: `/C=US/CN=a`, `C = US, CN = a`, and characters beyond ASCII.
fn in_rfc2253(text: &str) -> String {
    let text = match text.strip_prefix('/') {
        Some(legacy) => legacy.rsplit('/').collect::<Vec<_>>().join(","),
        None => text.replace(" = ", "=").replace(", ", ","),
    };
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' '..=b'~' => escaped.push(char::from(byte)),
            _ => escaped.push_str(&format!("\\{byte:02X}")),
        }
    }
    escaped
}

/// Returns a DNS name, with or without `*.` in front, in lower case.
///
/// # Errors
/// Says what is wrong, and which text was likely meant.
pub(super) fn dns_pattern(text: &str) -> Result<String, String> {
    let (wildcard, name) = match text.strip_prefix("*.") {
        Some(name) => ("*.", name),
        None => ("", text),
    };
    let refuse = |reason: &str| format!("{} is not a DNS name: {reason}", quoted(text));
    if name.contains('*') {
        return Err(refuse(
            "* stands in front of a dot only, as in \"*.example.com\"",
        ));
    }
    match dns_name(name) {
        Ok(name) => Ok(format!("{wildcard}{name}")),
        Err(problem) => Err(refuse(problem.reason())),
    }
}

/// Checks a URI, which may have `*` at its end.
///
/// # Errors
/// Says what is wrong. A `*` in or right behind the authority is refused: `spiffe://example.org*`
/// would let in `spiffe://example.org.evil.example`.
pub(super) fn uri_pattern(text: &str) -> Result<(), String> {
    let refuse = |reason: &str| Err(format!("{}: {reason}", quoted(text)));
    let prefix = text.strip_suffix('*').unwrap_or(text);
    if prefix.contains('*') {
        return refuse("* stands at the end only, as in \"spiffe://example.org/ns/prod/*\"");
    }
    let Some((scheme, rest)) = prefix
        .split_once(':')
        .filter(|(scheme, _)| is_scheme(scheme))
    else {
        return refuse("not a URI, which starts with a scheme: \"spiffe://example.org/a\"");
    };
    if !prefix.bytes().all(|byte| byte.is_ascii_graphic()) || (rest.is_empty() && prefix == text) {
        return refuse("not a URI (RFC 3986: visible ASCII behind the scheme)");
    }
    let has_path = |authority: &str| authority.find('/').is_some_and(|at| at > 0);
    match rest.strip_prefix("//") {
        Some(authority) if prefix != text && !has_path(authority) => refuse(&format!(
            "a / stands between the authority and *, as in \"{scheme}://example.org/*\""
        )),
        _ => Ok(()),
    }
}

fn is_scheme(text: &str) -> bool {
    let is_other = |byte: u8| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte);
    text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.bytes().all(is_other)
}

/// Checks an e-mail address: `local@domain`, in ASCII.
///
/// # Errors
/// Says what is wrong.
pub(super) fn email(text: &str) -> Result<(), String> {
    let is_part = |part: &str| {
        let is_allowed = |byte: u8| byte.is_ascii_graphic() && byte != b'*' && byte != b'@';
        !part.is_empty() && part.bytes().all(is_allowed)
    };
    match text.split_once('@') {
        Some((local, domain)) if is_part(local) && is_part(domain) => Ok(()),
        _ => Err(format!(
            "{} is not an e-mail address: \"name@example.com\", without *",
            quoted(text)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "00ff000000000000000000000000000000000000000000000000000000000001";

    #[test]
    fn fingerprints_are_read_in_any_case_with_and_without_colons() {
        let with_colons: Vec<String> = HEX
            .as_bytes()
            .chunks(2)
            .map(|pair| String::from_utf8_lossy(pair).into())
            .collect();
        let expected = sha256(HEX).unwrap();
        assert_eq!(expected[..2], [0, 0xff]);
        assert_eq!(sha256(&HEX.to_uppercase()), Ok(expected));
        assert_eq!(sha256(&with_colons.join(":")), Ok(expected));
        for (text, reason) in [
            (
                format!("sha256 Fingerprint={HEX}"),
                "leave out the label, did you mean \"00ff",
            ),
            (format!("sha256:{HEX}"), "did you mean \"00ff"),
            (format!("0x{HEX}"), "did you mean \"00ff"),
            ("ab".repeat(20), "SHA-1"),
            ("ab".repeat(31), "64 hex digits"),
            (HEX.replace("ff", "fg"), "64 hex digits"),
            (HEX.replacen("00ff", "é", 1), "64 hex digits"),
            (with_colons.join("-"), "64 hex digits"),
            (format!("{}:", with_colons[..31].join(":")), "64 hex digits"),
            (String::new(), "64 hex digits"),
        ] {
            let error = sha256(&text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn a_serial_number_has_one_form() {
        for (text, expected) in [
            ("936E", "936E"),
            ("00936e", "936E"),
            ("00:93:6e", "936E"),
            ("0:93:6E", "936E"),
            ("-01", "-1"),
            ("-00:80", "-80"),
            ("00", "0"),
            ("-0", "0"),
            ("0", "0"),
        ] {
            assert_eq!(serial(text).as_deref(), Ok(expected), "{text}");
        }
        for text in ["", "-", ":", "93:", "9 3", "xyz", "0x93", "--1", "1-", "é"] {
            assert!(serial(text).is_err(), "{text}");
        }
        assert!(
            serial("0x93")
                .unwrap_err()
                .ends_with("did you mean \"93\"?")
        );
    }

    #[test]
    fn names_in_another_form_than_the_fields_are_refused_with_the_right_one() {
        for text in [
            "CN=a",
            r"CN=a = b,O=Cloudflare\, Inc.,C=US",
            r"1.2.3=#0C",
            r"CN=Zo\C3\AB",
        ] {
            assert_eq!(distinguished_name(text), Ok(()), "{text}");
        }
        for (text, meant) in [
            ("/C=US/O=x/CN=a", Some("CN=a,O=x,C=US")),
            ("CN=a, O=x", Some("CN=a,O=x")),
            ("CN = a, O = x", Some("CN=a,O=x")),
            ("CN=Zoë", Some(r"CN=Zo\\C3\\AB")),
            ("", None),
            ("alice", None),
            ("=a", None),
        ] {
            let error = distinguished_name(text).unwrap_err();
            match meant {
                Some(meant) => assert!(error.ends_with(&format!("mean \"{meant}\"?")), "{error}"),
                None => assert!(!error.contains("did you mean"), "{error}"),
            }
        }
    }

    #[test]
    fn wildcards_stand_where_they_are_understood() {
        for text in ["a.example", "*.Example.com", "my_host"] {
            assert_eq!(dns_pattern(text), Ok(text.to_ascii_lowercase()));
        }
        for text in [
            "*",
            "a.*.b",
            "*a.b",
            "a.example.",
            "bücher.example",
            "1.2.3.4",
            "",
            "*.",
            "a b",
        ] {
            assert!(dns_pattern(text).is_err(), "{text}");
        }
        for text in [
            "spiffe://a/b",
            "spiffe://a/*",
            "spiffe://a/b*",
            "urn:a:*",
            "urn:*",
            "spiffe://a",
        ] {
            assert_eq!(uri_pattern(text), Ok(()), "{text}");
        }
        for text in [
            "*",
            "spiffe://*",
            "spiffe://a*",
            "spiffe:///*",
            "spiffe://*/b",
            "spiffe://a/*/b",
            "spiffe://a/**",
            "a/b",
            "://a",
            "1a:b",
            "urn:",
            "spiffe://a/é",
            "spiffe://a/b c",
            "",
        ] {
            assert!(uri_pattern(text).is_err(), "{text}");
        }
        for text in ["a@b", "A.b+c@Example.com"] {
            assert_eq!(email(text), Ok(()), "{text}");
        }
        for text in ["", "a", "@b", "a@", "a@b@c", "*@b", "a@*.b", "a b@c", "é@b"] {
            assert!(email(text).is_err(), "{text}");
        }
    }
}
