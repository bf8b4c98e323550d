//! Names and values of forms and query strings.

use std::borrow::Cow;

use form_urlencoded::Serializer;

/// The fields of a form or query string, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Parses `application/x-www-form-urlencoded`, which any text is.
    pub(super) fn parse(text: &[u8]) -> Self {
        let fields = form_urlencoded::parse(text);
        Self(
            fields
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
        )
    }

    /// Returns the first value of a field; empty if there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        let field = self.0.iter().find(|(found, _)| found == name);
        field.map(|(_, value)| value.as_str()).unwrap_or_default()
    }
}

/// Builds a link from a path and fields, leaving out those without a value.
pub(super) fn link<'a>(
    path: &str,
    fields: impl IntoIterator<Item = (&'a str, Cow<'a, str>)>,
) -> String {
    let mut query = Serializer::new(String::new());
    for (name, value) in fields {
        if !value.is_empty() {
            query.append_pair(name, &value);
        }
    }
    match query.finish() {
        query if query.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Form, link};

    #[test]
    fn a_link_is_read_as_it_is_written() {
        let written = link("/x", [("q", "a&b=<c> d".into()), ("none", "".into())]);
        let (path, query) = written.split_once('?').unwrap();
        let form = Form::parse(query.as_bytes());
        assert_eq!(
            (path, form.get("q"), form.get("none")),
            ("/x", "a&b=<c> d", "")
        );
        assert_eq!(link("/x", [("q", "".into())]), "/x");
    }
}
