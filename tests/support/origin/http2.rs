//! An HTTP/2 origin, by hand: it ends streams and connections in ways that no HTTP library
//! offers.

use std::{collections::HashMap, io, sync::Arc, time::Duration};

use hyper::Version;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::{Answer, Recorded, answer::Action, state::State};
use crate::{
    field_encoding::Hpack,
    fields::{frame, http2},
    message::Headers,
};

/// Error codes of RFC 9113 §7.
const NO_ERROR: u32 = 0;
const INTERNAL_ERROR: u32 = 2;
const REFUSED_STREAM: u32 = 7;

pub(super) async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        connections.spawn(async move {
            // Ends in an error when Envoy closes the connection.
            let _ = Connection::new(stream).converse(&state).await;
        });
    }
}

struct Connection {
    io: TcpStream,
    encoder: Hpack,
    decoder: loona_hpack::Decoder<'static>,
    /// Streams to be reset in their bodies, with the indices of their requests.
    to_reset: HashMap<u32, usize>,
}

impl Connection {
    fn new(io: TcpStream) -> Connection {
        Connection {
            io,
            encoder: Hpack::default(),
            decoder: loona_hpack::Decoder::new(),
            to_reset: HashMap::new(),
        }
    }

    async fn converse(&mut self, state: &State) -> io::Result<()> {
        let mut preface = [0; http2::PREFACE.len()];
        self.io.read_exact(&mut preface).await?;
        assert_eq!(preface, http2::PREFACE, "HTTP/2 with prior knowledge");
        self.send(http2::SETTINGS, 0, 0, &[]).await?;
        loop {
            let mut head = [0; 9];
            self.io.read_exact(&mut head).await?;
            let [a, b, c, kind, flags, id @ ..] = head;
            let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
            self.io.read_exact(&mut payload).await?;
            let stream = u32::from_be_bytes(id);
            match kind {
                http2::SETTINGS if flags & http2::ACK == 0 => {
                    self.send(http2::SETTINGS, http2::ACK, 0, &[]).await?;
                }
                http2::HEADERS => {
                    assert_ne!(flags & http2::END_HEADERS, 0, "a head in one frame");
                    let (answer, index) = self.record(state, &payload);
                    if answer.action == Action::ResetInBody {
                        self.to_reset.insert(stream, index);
                        continue;
                    }
                    self.respond(stream, &answer).await?;
                    if answer.is_given() {
                        state.note_answer(index);
                    }
                }
                http2::DATA if !payload.is_empty() => {
                    // The window of the whole connection, for other uploads.
                    let length = u32::try_from(payload.len()).expect("a short frame");
                    self.send(http2::WINDOW_UPDATE, 0, 0, &length.to_be_bytes())
                        .await?;
                    if let Some(index) = self.to_reset.remove(&stream) {
                        state.note_body(index, payload.into());
                        self.reset(stream, INTERNAL_ERROR).await?;
                    }
                }
                _ => {}
            }
        }
    }

    fn record(&mut self, state: &State, block: &[u8]) -> (Answer, usize) {
        let fields = self.decoder.decode(block).expect("HPACK");
        let pseudo = |wanted: &str| {
            let field = fields.iter().find(|(name, _)| name == wanted.as_bytes());
            field.map_or_else(String::new, |(_, value)| {
                String::from_utf8_lossy(value).into_owned()
            })
        };
        let path = pseudo(":path");
        let answer = state.next_answer(&path);
        let headers = fields
            .iter()
            .filter(|(name, _)| !name.starts_with(b":"))
            .map(|(name, value)| (String::from_utf8_lossy(name).into_owned(), value.clone()));
        let index = state.keep(Recorded {
            method: pseudo(":method"),
            authority: pseudo(":authority"),
            path,
            version: Version::HTTP_2,
            headers: Headers(headers.collect()),
            ..Recorded::default()
        });
        (answer, index)
    }

    async fn respond(&mut self, stream: u32, answer: &Answer) -> io::Result<()> {
        match answer.action {
            Action::Reset => self.reset(stream, INTERNAL_ERROR).await,
            Action::RefusedStream => self.reset(stream, REFUSED_STREAM).await,
            Action::Unprocessed => self.go_away(stream.saturating_sub(2), NO_ERROR).await,
            Action::ConnectionError => {
                self.go_away(stream, INTERNAL_ERROR).await?;
                self.io.shutdown().await?;
                Err(io::ErrorKind::ConnectionAborted.into())
            }
            Action::GracefulShutdown => {
                self.go_away(stream, NO_ERROR).await?;
                tokio::time::sleep(Duration::from_millis(50)).await;
                self.answer(stream, answer).await
            }
            _ => self.answer(stream, answer).await,
        }
    }

    async fn answer(&mut self, stream: u32, answer: &Answer) -> io::Result<()> {
        tokio::time::sleep(answer.delay).await;
        let status = answer.status.to_string();
        let block = self.encoder.encode(&[(":status", status.as_bytes())], None);
        let flags = http2::END_HEADERS | http2::END_STREAM;
        self.send(http2::HEADERS, flags, stream, &block).await
    }

    async fn reset(&mut self, stream: u32, code: u32) -> io::Result<()> {
        self.send(http2::RST_STREAM, 0, stream, &code.to_be_bytes())
            .await
    }

    async fn go_away(&mut self, last_stream: u32, code: u32) -> io::Result<()> {
        let payload = [last_stream.to_be_bytes(), code.to_be_bytes()].concat();
        self.send(http2::GOAWAY, 0, 0, &payload).await
    }

    async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> io::Result<()> {
        let frame = frame(kind, flags, stream, payload);
        self.io.write_all(&frame).await
    }
}
