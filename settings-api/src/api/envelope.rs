//! The envelope of every response: Cloudflare's API schema `api-response-common`.

use client_cert_forwarder::config::ConfigError;
use serde::Serialize;

/// A successful response.
#[derive(Debug, Serialize)]
pub(super) struct Success<T> {
    success: bool,
    errors: [Message; 0],
    messages: Vec<Message>,
    result: T,
    #[serde(skip_serializing_if = "Option::is_none")]
    result_info: Option<ResultInfo>,
}

/// The pagination of a list, which always fits one page.
#[derive(Debug, Serialize)]
struct ResultInfo {
    count: usize,
    page: usize,
    per_page: usize,
    total_count: usize,
    total_pages: usize,
}

impl<T: Serialize> Success<T> {
    /// Wraps one object.
    pub(super) fn new(result: T) -> Self {
        Self {
            success: true,
            errors: [],
            messages: Vec::new(),
            result,
            result_info: None,
        }
    }
}

impl<T: Serialize> Success<Vec<T>> {
    /// Wraps one page of a list; pages count from 1.
    pub(super) fn page(all: Vec<T>, page: usize, per_page: usize) -> Self {
        let total_count = all.len();
        let before = page.saturating_sub(1).saturating_mul(per_page);
        let result: Vec<T> = all.into_iter().skip(before).take(per_page).collect();
        Self {
            result_info: Some(ResultInfo {
                count: result.len(),
                page,
                per_page,
                total_count,
                total_pages: total_count.div_ceil(per_page.max(1)),
            }),
            ..Self::new(result)
        }
    }
}

impl<T> Success<T> {
    /// Adds a message, which doesn't make the response a failure.
    pub(super) fn with_message(mut self, message: Message) -> Self {
        self.messages.push(message);
        self
    }
}

impl<T: Serialize> Success<Vec<T>> {
    /// Wraps a whole list, as one page.
    pub(super) fn list(result: Vec<T>) -> Self {
        let count = result.len();
        Self {
            result_info: Some(ResultInfo {
                count,
                page: 1,
                per_page: count.max(1),
                total_count: count,
                total_pages: 1,
            }),
            ..Self::new(result)
        }
    }
}

/// A failed response.
#[derive(Debug, Serialize)]
pub(super) struct Failure {
    success: bool,
    errors: Vec<Message>,
    messages: [Message; 0],
    result: Option<()>,
}

impl Failure {
    /// Wraps the reasons of a failure.
    pub(super) fn new(errors: Vec<Message>) -> Self {
        Self {
            success: false,
            errors,
            messages: [],
            result: None,
        }
    }
}

/// One reason of a failure.
#[derive(Debug, Default, Serialize)]
pub(super) struct Message {
    code: u16,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    error_chain: Vec<Message>,
}

#[derive(Debug, Serialize)]
struct Source {
    pointer: String,
}

impl Message {
    /// Builds a reason without a place.
    pub(super) fn new(code: u16, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            ..Self::default()
        }
    }

    /// Adds the detail of a reason (Cloudflare's `error_chain`).
    pub(super) fn caused_by(self, cause: Message) -> Self {
        Self {
            error_chain: vec![cause],
            ..self
        }
    }

    /// Builds a reason that points into the body.
    pub(super) fn at(code: u16, kind: &str, error: &ConfigError) -> Self {
        Self {
            source: pointer(&error.place).map(|pointer| Source { pointer }),
            ..Self::new(code, format!("access.api.error.{kind}: {error}"))
        }
    }
}

/// Converts a path such as `settings[2].hostname` into a JSON pointer (RFC 6901); a line and column
/// has none.
fn pointer(place: &str) -> Option<String> {
    let path = place.starts_with("settings").then_some(place)?;
    let keys = path.split(['.', '[']).map(|key| {
        key.trim_end_matches(']')
            .replace('~', "~0")
            .replace('/', "~1")
    });
    Some(keys.fold(String::new(), |pointer, key| format!("{pointer}/{key}")))
}

#[cfg(test)]
mod tests {
    use super::pointer;

    #[test]
    fn a_path_becomes_a_json_pointer() {
        for (path, expected) in [
            ("settings", Some("/settings")),
            ("settings[2].hostname", Some("/settings/2/hostname")),
            ("settings[10]", Some("/settings/10")),
            ("line 1, column 2", None),
        ] {
            assert_eq!(pointer(path).as_deref(), expected, "{path}");
        }
    }
}
