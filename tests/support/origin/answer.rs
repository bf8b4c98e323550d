//! The origin's answer to a request.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};

/// The origin's answer to a request, or its failure.
#[derive(Clone, Debug)]
pub struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) trailers: HeaderMap,
    pub(super) delay: Duration,
    pub(super) action: Action,
}

/// How an [`Answer`] goes out. The names of stream and connection errors are RFC 9113's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Echo,
    BeforeBody,
    Reset,
    ResetEarly,
    ResetInBody,
    RefusedStream,
    Unprocessed,
    ConnectionError,
    GracefulShutdown,
    Upgrade,
    OpenEnded,
    CutShort,
}

impl Answer {
    /// Reads the whole request, then answers with that status and the request's body.
    pub fn status(status: u16) -> Answer {
        Answer {
            status,
            headers: Vec::new(),
            trailers: HeaderMap::new(),
            delay: Duration::ZERO,
            action: Action::Echo,
        }
    }

    /// Answers 200 at once; reads the request's body only after [`super::Origin::release`].
    pub fn before_body() -> Answer {
        Answer::by(Action::BeforeBody)
    }

    /// Closes the connection (HTTP/1.1) or resets the stream (HTTP/2) instead of answering.
    pub fn reset() -> Answer {
        Answer::by(Action::Reset)
    }

    /// The same once the head has arrived, while the body is still coming.
    pub fn reset_early() -> Answer {
        Answer::by(Action::ResetEarly)
    }

    /// Resets the stream once the beginning of the request's body has arrived. Like the four that
    /// follow, for [`super::Origin::start_http2`] only.
    pub fn reset_in_body() -> Answer {
        Answer::by(Action::ResetInBody)
    }

    /// Resets the stream with `REFUSED_STREAM`: the request was not processed (RFC 9113 §8.7).
    pub fn refused_stream() -> Answer {
        Answer::by(Action::RefusedStream)
    }

    /// Sends GOAWAY with a last stream identifier below this stream's: the request was not
    /// processed (RFC 9113 §6.8).
    pub fn unprocessed() -> Answer {
        Answer::by(Action::Unprocessed)
    }

    /// Sends GOAWAY with this stream as the last one and `INTERNAL_ERROR`, then closes the
    /// connection: the request may have been processed (RFC 9113 §5.4.1).
    pub fn connection_error() -> Answer {
        Answer::by(Action::ConnectionError)
    }

    /// Sends GOAWAY with this stream as the last one and `NO_ERROR`, and answers the request
    /// (RFC 9113 §6.8).
    pub fn graceful_shutdown() -> Answer {
        Answer::by(Action::GracefulShutdown)
    }

    /// Answers 101 with `Upgrade: websocket` and echoes all that follows (HTTP/1.1).
    pub fn upgrade() -> Answer {
        Answer {
            status: 101,
            ..Answer::by(Action::Upgrade)
        }
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
    }

    /// Answers 200 with a body that starts with `started` and ends at [`super::Origin::release`].
    pub fn open_ended() -> Answer {
        Answer::by(Action::OpenEnded)
    }

    /// Answers 200 and breaks off within the body.
    pub fn cut_short() -> Answer {
        Answer::by(Action::CutShort)
    }

    fn by(action: Action) -> Answer {
        Answer {
            action,
            ..Answer::status(200)
        }
    }

    /// Adds a response header.
    pub fn header(mut self, name: &str, value: &str) -> Answer {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a trailer to an answer by status.
    pub fn trailer(mut self, name: &'static str, value: &'static str) -> Answer {
        self.trailers.insert(name, HeaderValue::from_static(value));
        self
    }

    /// Waits before it answers or resets.
    pub fn after(mut self, delay: Duration) -> Answer {
        self.delay = delay;
        self
    }

    /// Whether the client gets a response at all.
    pub(super) fn is_given(&self) -> bool {
        use Action::{ConnectionError, RefusedStream, Reset, ResetEarly, ResetInBody, Unprocessed};
        !matches!(
            self.action,
            Reset | ResetEarly | ResetInBody | RefusedStream | Unprocessed | ConnectionError
        )
    }
}
