//! Tells when a connection has been without a request for too long.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::sync::watch;

/// The longest times that a connection may stay without an open request.
#[derive(Clone, Copy, Debug)]
pub(super) struct IdleTimeouts {
    /// Before the first request: for the preface and the first head.
    pub(super) before_request: Duration,
    /// Between requests.
    pub(super) between_requests: Duration,
}

/// Counts a connection's open requests.
pub(super) struct Activity(watch::Sender<usize>);

impl Activity {
    /// Starts without requests.
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    /// Counts a request until the value is dropped.
    pub(super) fn open(&self) -> OpenRequest {
        self.0.send_modify(|open| *open += 1);
        OpenRequest(self.0.clone())
    }

    /// Waits until the connection has been idle for longer than it may.
    pub(super) async fn idle(&self, timeouts: IdleTimeouts) {
        let mut open = self.0.subscribe();
        let mut timeout = timeouts.before_request;
        // Waiting fails only without a sender, and `self` holds one.
        while open.wait_for(|open| *open == 0).await.is_ok() {
            let request = open.wait_for(|open| *open > 0);
            if tokio::time::timeout(timeout, request).await.is_err() {
                return;
            }
            timeout = timeouts.between_requests;
        }
    }
}

/// A request whose response has not ended.
pub(super) struct OpenRequest(watch::Sender<usize>);

impl OpenRequest {
    /// Keeps the request open until the body's end.
    pub(super) fn until_end_of(self, body: Body) -> Body {
        Body::new(CountedBody { body, _open: self })
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open = open.saturating_sub(1));
    }
}

struct CountedBody {
    body: Body,
    _open: OpenRequest,
}

impl HttpBody for CountedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Activity, IdleTimeouts};

    const TIMEOUTS: IdleTimeouts = IdleTimeouts {
        before_request: Duration::from_millis(50),
        between_requests: Duration::from_millis(200),
    };

    #[tokio::test]
    async fn a_connection_is_idle_only_without_open_requests() {
        let activity = Activity::new();
        let start = std::time::Instant::now();
        activity.idle(TIMEOUTS).await;
        assert!(start.elapsed() >= TIMEOUTS.before_request);

        let (first, second) = (activity.open(), activity.open());
        drop(first);
        let while_open = tokio::time::timeout(Duration::from_millis(400), activity.idle(TIMEOUTS));
        assert!(while_open.await.is_err());
        let end = std::time::Instant::now();
        tokio::join!(activity.idle(TIMEOUTS), async { drop(second) });
        assert!(end.elapsed() >= TIMEOUTS.before_request);
    }
}
