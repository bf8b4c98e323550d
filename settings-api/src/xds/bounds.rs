//! Bounds of what subscribers say: it is logged, kept while they are connected, and shown in
//! statuses.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Longest node id, cluster or resource name, in bytes.
pub(super) const MAX_NAME: usize = 256;

/// Longest reason of a NACK, in bytes. Envoy's own hold an error of the filter in full.
pub(super) const MAX_REASON: usize = 2048;

/// Most resources that one stream subscribes to. Envoys ask for one per listener or filter chain.
pub(super) const MAX_SUBSCRIPTIONS: usize = 1000;

/// Most lines that subscribers cause in the log, in each [`WINDOW`].
const MAX_LINES: u32 = 1000;
const WINDOW: Duration = Duration::from_secs(60);

/// Cuts `text` to `max` bytes, and replaces control characters.
pub(super) fn bounded(mut text: String, max: usize) -> String {
    if text.len() > max {
        let mut end = max;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
    if text.chars().any(char::is_control) {
        text = text.replace(char::is_control, " ");
    }
    text
}

/// Counts the lines that subscribers cause in the log.
#[derive(Debug)]
pub(super) struct LogBudget(Mutex<(Instant, u32)>);

impl Default for LogBudget {
    fn default() -> Self {
        Self(Mutex::new((Instant::now(), 0)))
    }
}

impl LogBudget {
    /// Whether one more line may be logged. Logs itself where that is the first that may not.
    pub(super) fn allows(&self) -> bool {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if window.0.elapsed() >= WINDOW {
            *window = (Instant::now(), 0);
        }
        window.1 = window.1.saturating_add(1);
        if window.1 == MAX_LINES + 1 {
            tracing::warn!(
                lines = MAX_LINES,
                "xDS subscribers have caused this many lines within a minute: more are not logged \
                 until it is over"
            );
        }
        window.1 <= MAX_LINES
    }
}

#[cfg(test)]
mod tests {
    use super::{LogBudget, MAX_LINES, bounded};

    #[test]
    fn texts_are_cut_between_characters_and_lose_their_control_characters() {
        assert_eq!(bounded("short".to_owned(), 5), "short");
        assert_eq!(bounded("longer".to_owned(), 5), "longe…");
        assert_eq!(bounded("abéd".to_owned(), 3), "ab…");
        assert_eq!(bounded("a\x1b[31m\r\nb\u{85}".to_owned(), 99), "a [31m  b ");
    }

    #[test]
    fn the_budget_ends() {
        let budget = LogBudget::default();
        assert!((0..MAX_LINES).all(|_| budget.allows()));
        assert!((0..10_000).all(|_| !budget.allows()));
    }
}
