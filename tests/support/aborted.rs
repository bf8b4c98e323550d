//! Requests over HTTP/2 and HTTP/3 that their clients begin and may cancel, and clients that send
//! GOAWAY.

use std::time::Duration;

use tokio::{io::AsyncWriteExt, time::timeout};

use crate::fields::{FieldsConnection, Http2, Http3, Message, frame, http2, http3, status};

/// An answer waits no longer than this.
const PATIENCE: Duration = Duration::from_secs(30);
/// `CANCEL` (RFC 9113 §7) and `H3_REQUEST_CANCELLED` (RFC 9114 §8.1).
const CANCEL: u32 = 8;
const H3_REQUEST_CANCELLED: u32 = 0x10c;

/// How much of a request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// An incomplete head: over HTTP/2 a HEADERS frame without END_HEADERS, over HTTP/3 half a
    /// frame.
    OpenHead,
    /// All but the end of the stream.
    OpenBody,
    /// All but the trailers, which [`FieldsConnection::rest`] sends.
    OpenTrailers,
    /// All.
    Whole,
}

/// A request that was begun.
pub struct Begun {
    stream: Stream,
    rest: Vec<u8>,
}

enum Stream {
    Http2(u32),
    Http3(Box<Http3Stream>),
}

struct Http3Stream {
    send: quinn::SendStream,
    receive: quinn::RecvStream,
    /// All that has come so far.
    received: Vec<u8>,
}

impl Http3Stream {
    /// Waits for more; `None` when there is none.
    async fn receive(&mut self) -> Option<()> {
        let chunk = self.receive.read_chunk(1024, true).await.ok()??;
        self.received.extend_from_slice(&chunk.bytes);
        Some(())
    }
}

impl FieldsConnection {
    /// Sends that part of a request on a new stream; `None` when the connection has ended.
    ///
    /// # Panics
    /// When Envoy allows no new stream in time.
    pub async fn begin(&mut self, message: &Message<'_>, part: Part) -> Option<Begun> {
        let begun = async {
            match self {
                FieldsConnection::Http2(connection) => connection.begin(message, part).await,
                FieldsConnection::Http3(connection) => connection.begin(message, part).await,
            }
        };
        let begun = timeout(PATIENCE, begun).await;
        begun.unwrap_or_else(|_| panic!("no stream within {PATIENCE:?}"))
    }

    /// The status of the answer; `None` if Envoy resets the stream or closes the connection
    /// instead.
    ///
    /// # Panics
    /// When neither happens in time.
    pub async fn answer(&mut self, begun: &mut Begun) -> Option<u16> {
        let answer = async {
            match (self, &mut begun.stream) {
                (FieldsConnection::Http2(connection), Stream::Http2(stream)) => {
                    connection.exchange(*stream, &[]).await.ok().flatten()
                }
                (_, Stream::Http3(stream)) => loop {
                    stream.receive().await?;
                    if let Some(status) = status(&stream.received) {
                        return Some(status);
                    }
                },
                (FieldsConnection::Http3(_), Stream::Http2(_)) => {
                    panic!("a stream of another connection")
                }
            }
        };
        let answer = timeout(PATIENCE, answer).await;
        answer.unwrap_or_else(|_| panic!("no answer within {PATIENCE:?}"))
    }

    /// The first piece of the body of an answer that has begun, or `None` when it has none.
    ///
    /// # Panics
    /// When neither is certain in time.
    pub async fn data(&mut self, begun: &mut Begun) -> Option<Vec<u8>> {
        let data = async {
            match (self, &mut begun.stream) {
                (FieldsConnection::Http2(connection), Stream::Http2(stream)) => {
                    connection.data(*stream).await.ok().flatten()
                }
                (_, Stream::Http3(stream)) => loop {
                    if let Some(data) = http3_data(&stream.received) {
                        return Some(data.to_vec());
                    }
                    stream.receive().await?;
                },
                (FieldsConnection::Http3(_), Stream::Http2(_)) => {
                    panic!("a stream of another connection")
                }
            }
        };
        let data = timeout(PATIENCE, data).await;
        data.unwrap_or_else(|_| panic!("no data within {PATIENCE:?}"))
    }

    /// Sends the part that [`Part::OpenTrailers`] left out.
    pub async fn rest(&mut self, begun: &mut Begun) {
        // Envoy may have ended the stream or the connection.
        match (self, &mut begun.stream) {
            (FieldsConnection::Http2(connection), Stream::Http2(_)) => {
                let _ = connection.io.write_all(&begun.rest).await;
                let _ = connection.io.flush().await;
            }
            (_, Stream::Http3(stream)) => {
                let _ = stream.send.write_all(&begun.rest).await;
                let _ = stream.send.finish();
            }
            (FieldsConnection::Http3(_), Stream::Http2(_)) => {
                panic!("a stream of another connection")
            }
        }
    }

    /// Gives the request up, as a browser does when its user goes elsewhere.
    pub async fn reset(&mut self, begun: Begun) {
        match (self, begun.stream) {
            (FieldsConnection::Http2(connection), Stream::Http2(stream)) => {
                let reset = frame(http2::RST_STREAM, 0, stream, &CANCEL.to_be_bytes());
                // Envoy may have closed the connection.
                let _ = connection.io.write_all(&reset).await;
                let _ = connection.io.flush().await;
            }
            (_, Stream::Http3(mut stream)) => {
                let code = quinn::VarInt::from_u32(H3_REQUEST_CANCELLED);
                // Either direction may have ended.
                let _ = stream.send.reset(code);
                let _ = stream.receive.stop(code);
            }
            (FieldsConnection::Http3(_), Stream::Http2(_)) => {
                panic!("a stream of another connection")
            }
        }
    }

    /// Sends GOAWAY: the client accepts no more server-initiated streams or pushes, and is about to
    /// leave.
    ///
    /// # Panics
    /// When the connection has ended.
    pub async fn go_away(&mut self) {
        match self {
            FieldsConnection::Http2(connection) => {
                // The last stream of the server's, and no error.
                let goaway = frame(http2::GOAWAY, 0, 0, &[0; 8]);
                connection.io.write_all(&goaway).await.expect("a write");
                connection.io.flush().await.expect("a write");
            }
            FieldsConnection::Http3(connection) => {
                // The push id 0.
                let goaway = [http3::GOAWAY, 1, 0];
                connection
                    .control
                    .write_all(&goaway)
                    .await
                    .expect("a write");
            }
        }
    }
}

impl Http2 {
    async fn begin(&mut self, message: &Message<'_>, part: Part) -> Option<Begun> {
        let stream = self.next_stream;
        self.next_stream += 2;
        let mut bytes = self.request(stream, message);
        let mut rest = Vec::new();
        // A frame's flags are its fifth byte.
        match part {
            Part::OpenHead => bytes[4] &= !http2::END_HEADERS,
            Part::OpenBody if message.body.is_empty() => bytes[4] &= !http2::END_STREAM,
            Part::OpenBody => {
                let data = bytes.len() - message.body.len() - 9;
                bytes[data + 4] &= !http2::END_STREAM;
            }
            Part::OpenTrailers => {
                let head = self.request(stream, &without_trailers(message)).len();
                rest = bytes.split_off(head);
            }
            Part::Whole => {}
        }
        self.io.write_all(&bytes).await.ok()?;
        self.io.flush().await.ok()?;
        let stream = Stream::Http2(stream);
        Some(Begun { stream, rest })
    }
}

impl Http3 {
    async fn begin(&mut self, message: &Message<'_>, part: Part) -> Option<Begun> {
        let (mut send, receive) = self.connection.open_bi().await.ok()?;
        let mut bytes = Http3::request(message);
        let rest = match part {
            Part::OpenHead => bytes.split_off(bytes.len() / 2),
            Part::OpenTrailers => bytes.split_off(Http3::request(&without_trailers(message)).len()),
            Part::OpenBody | Part::Whole => Vec::new(),
        };
        send.write_all(&bytes).await.ok()?;
        if part == Part::Whole {
            send.finish().ok()?;
        }
        let stream = Box::new(Http3Stream {
            send,
            receive,
            received: Vec::new(),
        });
        let stream = Stream::Http3(stream);
        Some(Begun { stream, rest })
    }
}

/// The payload of the first non-empty DATA frame that has arrived. Here frame types take one byte,
/// lengths up to eight.
fn http3_data(mut received: &[u8]) -> Option<&[u8]> {
    loop {
        let (kind, rest) = received.split_first()?;
        let length_bytes = 1_usize << (rest.first()? >> 6);
        let (length, rest) = rest.split_at_checked(length_bytes)?;
        let length = length
            .iter()
            .fold(0, |length, byte| length << 8 | u64::from(*byte));
        let length = length & (u64::MAX >> (64 - 8 * length_bytes + 2));
        let (payload, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        if *kind == http3::DATA && !payload.is_empty() {
            return Some(payload);
        }
        received = rest;
    }
}

fn without_trailers<'a>(message: &Message<'a>) -> Message<'a> {
    Message {
        trailers: &[],
        ..*message
    }
}
