//! Reads values out of JSON, and says in JSON's words what was expected instead.

use super::findings::Findings;
use super::json::{Json, Member, quoted};
use super::path::Place;
use crate::nearest::nearest;

/// Reads values; records an error and returns an empty value, or `None`, for another type.
pub(super) struct Reader<'f> {
    pub(super) findings: &'f mut Findings,
}

/// The words of a key that has a choice.
pub(super) trait Words: Copy + 'static {
    const WORDS: &'static [(&'static str, Self)];
}

impl Reader<'_> {
    pub(super) fn error(&mut self, place: &Place<'_>, reason: impl Into<String>) {
        self.findings.error(place, reason);
    }

    pub(super) fn boolean(&mut self, json: &Json<'_>, place: &Place<'_>) -> Option<bool> {
        let Json::Bool(value) = json else {
            self.unexpected("true or false", json, place);
            return None;
        };
        Some(*value)
    }

    pub(super) fn text<'j>(&mut self, json: &'j Json<'_>, place: &Place<'_>) -> Option<&'j str> {
        let Json::Text(text) = json else {
            self.unexpected("a string", json, place);
            return None;
        };
        Some(text)
    }

    pub(super) fn number(&mut self, json: &Json<'_>, max: u32, place: &Place<'_>) -> Option<u32> {
        let number = match json {
            Json::Whole(number) => u32::try_from(*number).ok().filter(|number| *number <= max),
            _ => None,
        };
        if number.is_none() {
            self.unexpected(&format!("a number from 0 to {max}"), json, place);
        }
        number
    }

    pub(super) fn word<T: Words>(&mut self, json: &Json<'_>, place: &Place<'_>) -> Option<T> {
        let text = self.text(json, place)?;
        let found = T::WORDS.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let words: Vec<&str> = T::WORDS.iter().map(|(word, _)| *word).collect();
            self.error(place, unknown("value", text, &words));
        }
        found.map(|(_, value)| *value)
    }

    pub(super) fn items<'j, 'a>(
        &mut self,
        json: &'j Json<'a>,
        place: &Place<'_>,
    ) -> Option<&'j [Json<'a>]> {
        let Json::Array(items) = json else {
            self.unexpected("an array", json, place);
            return None;
        };
        Some(items)
    }

    pub(super) fn members<'j, 'a>(
        &mut self,
        json: &'j Json<'a>,
        place: &Place<'_>,
    ) -> Option<&'j [Member<'a>]> {
        let Json::Object(members) = json else {
            self.unexpected("an object", json, place);
            return None;
        };
        Some(members)
    }

    /// Reads each member of an object by `read`, which returns whether it knows the key.
    ///
    /// Records unknown keys, keys given twice, and the absence of `required`.
    pub(super) fn object<'j, 'a>(
        &mut self,
        json: &'j Json<'a>,
        place: &Place<'_>,
        keys: &Keys,
        read: &mut dyn FnMut(&mut Self, &str, &'j Json<'a>, &Place<'_>) -> bool,
    ) {
        let Some(members) = self.members(json, place) else {
            return;
        };
        for (index, (key, value)) in members.iter().enumerate() {
            let at = place.key(key);
            if keys.own.contains(&&**key) && position(members, key) != Some(index) {
                self.error(&at, "given twice");
            } else if !read(self, key, value, &at) {
                self.error(&at, keys.refuse(key));
            }
        }
        for key in keys.required {
            if position(members, key).is_none() {
                self.error(&place.key(key), "required, but missing");
            }
        }
    }

    fn unexpected(&mut self, expected: &str, json: &Json<'_>, place: &Place<'_>) {
        let hint = match json {
            Json::Text(text) if !expected.starts_with("an ") && is_literal(text) => {
                ": leave out the quotes"
            }
            _ => "",
        };
        self.error(
            place,
            format!("expected {expected}, not {}{hint}", json.describe()),
        );
    }
}

/// The keys of an object.
pub(super) struct Keys {
    pub(super) own: &'static [&'static str],
    pub(super) required: &'static [&'static str],
    /// Keys that belong to another object, and where that is.
    pub(super) elsewhere: (&'static [&'static str], &'static str),
}

impl Keys {
    fn refuse(&self, key: &str) -> String {
        let (others, place) = self.elsewhere;
        if others.contains(&key) {
            return format!("{key:?} belongs {place}");
        }
        unknown("key", key, self.own)
    }
}

fn position(members: &[Member<'_>], key: &str) -> Option<usize> {
    members.iter().position(|(other, _)| other == key)
}

fn is_literal(text: &str) -> bool {
    matches!(text, "true" | "false") || text.parse::<u32>().is_ok()
}

/// `unknown key "explian", did you mean "explain"? Expected one of "settings", …`
pub(super) fn unknown(kind: &str, word: &str, known: &[&str]) -> String {
    let expected = match known {
        [one, other] => format!("{one:?} or {other:?}"),
        _ => {
            let quoted: Vec<String> = known.iter().map(|known| format!("{known:?}")).collect();
            format!("one of {}", quoted.join(", "))
        }
    };
    let word_quoted = quoted(word);
    match nearest(word, known.iter().copied()) {
        Some(near) => {
            format!("unknown {kind} {word_quoted}, did you mean {near:?}? Expected {expected}")
        }
        None => format!("unknown {kind} {word_quoted}, expected {expected}"),
    }
}
