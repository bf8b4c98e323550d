//! The origin's received requests and its queued answers.

use std::{
    collections::{HashMap, VecDeque},
    sync::Mutex,
    time::Instant,
};

use bytes::Bytes;
use tokio::sync::watch;

use super::{Answer, Recorded};
use crate::message::Headers;

#[derive(Default)]
pub(super) struct State {
    pub(super) requests: Mutex<Vec<Recorded>>,
    pub(super) answers: Mutex<HashMap<String, VecDeque<Answer>>>,
    pub(super) released: watch::Sender<bool>,
}

impl State {
    pub(super) async fn wait_for_release(&self) {
        let _ = self
            .released
            .subscribe()
            .wait_for(|released| *released)
            .await;
    }

    /// Notes that the origin begins to answer that request.
    pub(super) fn note_answer(&self, index: usize) {
        self.requests.lock().expect("no poison")[index].answered = Some(Instant::now());
    }

    /// Notes the part of that request's body that has arrived.
    pub(super) fn note_body(&self, index: usize, body: Bytes) {
        self.requests.lock().expect("no poison")[index].body = body;
    }

    pub(super) fn next_answer(&self, path: &str) -> Answer {
        let mut answers = self.answers.lock().expect("no poison");
        match answers.get_mut(path) {
            Some(queue) if queue.len() > 1 => queue.pop_front(),
            Some(queue) => queue.front().cloned(),
            None => None,
        }
        .unwrap_or_else(|| Answer::status(200))
    }

    pub(super) fn record(&self, head: &http::request::Parts) -> usize {
        let headers = Headers::from(&head.headers);
        let host = headers
            .all("host")
            .first()
            .map(|host| String::from_utf8_lossy(host).into_owned());
        let recorded = Recorded {
            method: head.method.to_string(),
            authority: head
                .uri
                .authority()
                .map(ToString::to_string)
                .or(host)
                .unwrap_or_default(),
            path: head
                .uri
                .path_and_query()
                .map(ToString::to_string)
                .unwrap_or_default(),
            version: head.version,
            headers,
            ..Recorded::default()
        };
        self.keep(recorded)
    }

    /// Keeps a request and returns its index.
    pub(super) fn keep(&self, recorded: Recorded) -> usize {
        let mut requests = self.requests.lock().expect("no poison");
        requests.push(recorded);
        requests.len() - 1
    }
}
