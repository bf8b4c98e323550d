//! Texts that are not JSON: reads them, and names the likely slip.

use super::error::{ConfigError, without_position};
use super::json::Json;

/// Reads `text` as JSON.
///
/// # Errors
/// Where and why it is not JSON.
pub(super) fn parse(text: &[u8]) -> Result<Json<'_>, ConfigError> {
    serde_json::from_slice(text).map_err(|error| not_json(text, &error))
}

/// Explains why serde_json cannot read `text`.
pub(super) fn not_json(text: &[u8], error: &serde_json::Error) -> ConfigError {
    let (line, column) = (error.line(), error.column());
    let at = offset(text, line, column);
    let reason = match Slip::find(text, at) {
        Some(slip) => slip.reason().to_owned(),
        None => in_words_of_json(&without_position(error)),
    };
    ConfigError::at_position(line, column, format!("not JSON: {reason}"))
}

/// What users write in the place of JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slip {
    ByteOrderMark,
    Utf16,
    Protobuf,
    Yaml,
    TrailingComma,
    Comment,
    SingleQuote,
    BareKey,
    Capital,
}

impl Slip {
    fn find(text: &[u8], at: usize) -> Option<Self> {
        if text.starts_with(b"\xef\xbb\xbf") {
            return Some(Self::ByteOrderMark);
        }
        if text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff") {
            return Some(Self::Utf16);
        }
        // A Struct starts with the tag 0A, which JSON takes for a line end, and a length.
        if text.starts_with(b"\n") && text.iter().any(|byte| *byte < b'\t') {
            return Some(Self::Protobuf);
        }
        if is_yaml(text.trim_ascii_start()) {
            return Some(Self::Yaml);
        }
        let before = text.get(..at).unwrap_or_default().trim_ascii_end();
        let rest = text.get(at..).unwrap_or_default();
        Some(match rest.first()? {
            b'}' | b']' if before.ends_with(b",") => Self::TrailingComma,
            b'/' | b'#' => Self::Comment,
            b'\'' => Self::SingleQuote,
            b'T' | b'F' | b'N'
                if [&b"True"[..], b"False", b"None", b"Null", b"TRUE", b"FALSE"]
                    .iter()
                    .any(|word| rest.starts_with(word)) =>
            {
                Self::Capital
            }
            byte if (byte.is_ascii_alphabetic() || *byte == b'_')
                && (before.ends_with(b"{") || before.ends_with(b",")) =>
            {
                Self::BareKey
            }
            _ => return None,
        })
    }

    fn reason(self) -> &'static str {
        match self {
            Self::ByteOrderMark => {
                "the text starts with a byte order mark, save it as UTF-8 without one"
            }
            Self::Utf16 => "the text is UTF-16, save it as UTF-8 without a byte order mark",
            Self::Protobuf => {
                "this is protobuf: give the JSON in a google.protobuf.StringValue, not in a Struct"
            }
            Self::Yaml => "this looks like YAML, write the plugin configuration as JSON",
            Self::TrailingComma => "trailing comma, leave it out",
            Self::Comment => "JSON has no comments, leave it out",
            Self::SingleQuote => "strings and keys stand in double quotes, not in single ones",
            Self::BareKey => "keys stand in double quotes",
            Self::Capital => "write true, false and null in lower case",
        }
    }
}

/// Whether the text starts as a YAML mapping, list or document does, and no JSON.
fn is_yaml(text: &[u8]) -> bool {
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.trim_ascii_end();
    let key_length = line
        .iter()
        .position(|byte| !byte.is_ascii_alphanumeric() && !b"_$-".contains(byte))
        .unwrap_or(line.len());
    let behind_key = line.get(key_length..).unwrap_or_default();
    let is_mapping = key_length > 0 && (behind_key == b":" || behind_key.starts_with(b": "));
    is_mapping || line == b"---" || line.starts_with(b"- ")
}

/// Index of the byte at `line` and `column`, both from 1 (column 0 is the end of the line before).
fn offset(text: &[u8], line: usize, column: usize) -> usize {
    let lines = text.split_inclusive(|byte| *byte == b'\n');
    let before: usize = lines.take(line.saturating_sub(1)).map(<[u8]>::len).sum();
    before + column.saturating_sub(1)
}

fn in_words_of_json(message: &str) -> String {
    match message {
        "EOF while parsing a list" => "the text ends inside an array",
        "EOF while parsing an object" => "the text ends inside an object",
        "EOF while parsing a string" => "the text ends inside a string",
        "EOF while parsing a value" => "the text ends where a value is expected",
        "trailing characters" => "more text behind the end of the value",
        "recursion limit exceeded" => "nested too deeply",
        "expected ident" => "expected true, false or null",
        "invalid unicode code point" => "not UTF-8",
        message => message,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn the_likely_slip_is_named() {
        for (text, expected) in [
            (
                "\u{feff}{}",
                "line 1, column 1: not JSON: the text starts with a byte order mark",
            ),
            (
                "{\"a\":1,}",
                "line 1, column 8: not JSON: trailing comma, leave it out",
            ),
            (
                "{\"a\":[1,\n ]}",
                "line 2, column 2: not JSON: trailing comma, leave it out",
            ),
            (
                "{\"a\":1, // why\n}",
                "line 1, column 9: not JSON: JSON has no comments",
            ),
            (
                "// why\n{}",
                "line 1, column 1: not JSON: JSON has no comments",
            ),
            (
                "{} # why",
                "line 1, column 4: not JSON: JSON has no comments",
            ),
            (
                "settings: []",
                "line 1, column 1: not JSON: this looks like YAML",
            ),
            ("---\nsettings: []", "not JSON: this looks like YAML"),
            ("- hostname: a", "not JSON: this looks like YAML"),
            (
                "settings:\r\n- a",
                "line 1, column 1: not JSON: this looks like YAML",
            ),
            (
                "{'a':1}",
                "line 1, column 2: not JSON: strings and keys stand in double quotes",
            ),
            (
                "{a:1}",
                "line 1, column 2: not JSON: keys stand in double quotes",
            ),
            (
                "{\"a\":True}",
                "line 1, column 6: not JSON: write true, false and null in lower",
            ),
            ("\n\u{2}\u{8}\n\u{1}a", "not JSON: this is protobuf"),
            (
                "{\"a\":",
                "line 1, column 5: not JSON: the text ends where a value is expected",
            ),
            (
                "{\"a\":\"",
                "line 1, column 6: not JSON: the text ends inside a string",
            ),
            (
                "{} {}",
                "line 1, column 4: not JSON: more text behind the end of the value",
            ),
            ("{\"a\":tru}", "not JSON: expected true, false or null"),
            (
                " ",
                "line 1, column 1: not JSON: the text ends where a value is expected",
            ),
        ] {
            let error = parse(text.as_bytes()).unwrap_err().to_string();
            assert!(
                error.contains(expected),
                "{text:?}\n  says     {error}\n  expected {expected}"
            );
        }
        let error = parse(b"\xff\xfe{\0}\0").unwrap_err().to_string();
        assert!(error.contains("not JSON: the text is UTF-16"), "{error}");
        let error = parse(b"{\"\xff\":1}").unwrap_err().to_string();
        assert!(error.contains("not JSON: not UTF-8"), "{error}");
    }

    #[test]
    fn any_bytes_are_explained_without_failing() {
        for bytes in [
            &b""[..],
            b"\n",
            b"\n\n{",
            b"\xff",
            b"{\"a\":1,",
            b"/",
            b"'",
            b"{,",
            b"]",
        ] {
            let error = parse(bytes).unwrap_err();
            assert!(error.position().is_some(), "{error}");
        }
    }
}
