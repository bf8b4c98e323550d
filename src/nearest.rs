//! "Did you mean": the known word that a user most likely meant by another.

/// Returns the one of `known` that needs the fewest edits to be `word`.
///
/// Case, `_`, `-` and the abbreviation `cert` for `certificate` don't count. `None` when none is
/// close: at most three characters wrong, missing, too many or swapped, and fewer in short words.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const MOST_EDITS: usize = 3;
    // Comparing takes time with the square of the length, and no known word is this long.
    if word.len() > 100 {
        return None;
    }
    let word = plain(word);
    known
        .map(|known| (strsim::osa_distance(&word, &plain(known)), known))
        .min_by_key(|(edits, _)| *edits)
        .filter(|(edits, known)| *edits <= MOST_EDITS.min(known.len() / 2))
        .map(|(_, known)| known)
}

fn plain(word: &str) -> String {
    word.to_ascii_lowercase()
        .replace(['_', '-'], "")
        .replace("certificate", "cert")
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips_find_the_word_that_was_meant() {
        let known = [
            "client_certificate_forwarding",
            "explain",
            "forward_on",
            "settings",
        ];
        for (word, expected) in [
            (
                "client_cert_forwarding",
                Some("client_certificate_forwarding"),
            ),
            (
                "clientCertificateForwarding",
                Some("client_certificate_forwarding"),
            ),
            (
                "client-certificate-forward",
                Some("client_certificate_forwarding"),
            ),
            ("explian", Some("explain")),
            ("Forward-On", Some("forward_on")),
            ("setting", Some("settings")),
            ("hostnames", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known.into_iter()), expected, "{word}");
        }
        assert_eq!(nearest(&"explain".repeat(100), known.into_iter()), None);
    }
}
