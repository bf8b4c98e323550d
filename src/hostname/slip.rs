//! What users write in the place of a hostname, and the hostname they mean.

/// Names the slip; `None` where the rules of DNS say enough.
pub(super) fn reason(text: &str) -> Option<&'static str> {
    Some(if text.is_empty() {
        "it is empty"
    } else if text.contains("://") {
        "leave out the scheme"
    } else if text.contains(char::is_whitespace) {
        "leave out the spaces"
    } else if text.contains(['/', '?', '#']) {
        "leave out the path"
    } else if text.contains('@') {
        "leave out what stands before @"
    } else if text.strip_prefix("*.").unwrap_or(text).contains('*') {
        "* stands for whole labels, alone or in front of a dot"
    } else if text.strip_prefix("*.").is_some_and(str::is_empty) {
        "a DNS name follows * in front of a dot"
    } else if without_port(text) != text {
        "leave out the port"
    } else {
        return None;
    })
}

/// Returns `text` without scheme, user, path, port and trailing dot, and with its wildcard in
/// front.
pub(super) fn repaired(text: &str) -> Option<String> {
    let trimmed = text.trim();
    let behind_scheme = trimmed.split_once("://").map_or(trimmed, |(_, rest)| rest);
    let authority = behind_scheme.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = without_port(host);
    let host = host.strip_suffix('.').unwrap_or(host);
    Some(match host.rsplit_once('*') {
        Some((_, rest)) => wildcard(rest),
        None if host.starts_with('.') => wildcard(host),
        None => host.to_owned(),
    })
}

fn wildcard(below: &str) -> String {
    format!("*.{}", below.strip_prefix('.').unwrap_or(below))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port))
            if port.bytes().all(|byte| byte.is_ascii_digit())
                && (name.ends_with(']') || !name.contains(':')) =>
        {
            name
        }
        _ => host,
    }
}
