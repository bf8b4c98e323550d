//! HTTP/2 and HTTP/3 connections for header fields that no HTTP library would send: any name, any value, any order.
//!
//! Requests are encoded by hand as literals (RFC 7541 §6.2.2, RFC 9204 §4.5.6), without Huffman codes and dynamic table.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use crate::connector::Stream;

/// A response waits no longer than this.
const PATIENCE: Duration = Duration::from_secs(30);

/// Name and value of each field, pseudo-header fields included.
pub type Fields<'a> = [(&'a str, &'a [u8])];

/// An HTTP/2 or HTTP/3 connection that sends the fields it is given.
pub enum FieldsConnection {
    /// Over TLS on TCP.
    Http2(Http2),
    /// Over QUIC.
    Http3(Http3),
}

impl FieldsConnection {
    /// Sends a request without a body on a new stream; the status of the response, or `None` when Envoy resets the stream or
    /// closes the connection instead.
    ///
    /// # Panics
    /// When neither happens in time.
    pub async fn send(&mut self, fields: &Fields<'_>) -> Option<u16> {
        let answered = async {
            match self {
                FieldsConnection::Http2(connection) => connection.send(fields).await,
                FieldsConnection::Http3(connection) => connection.send(fields).await,
            }
        };
        timeout(PATIENCE, answered)
            .await
            .unwrap_or_else(|_| panic!("no response within {PATIENCE:?}"))
    }
}

/// Frame types, flags and settings of RFC 9113 §6.
mod http2 {
    pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    pub(super) const HEADERS: u8 = 1;
    pub(super) const RST_STREAM: u8 = 3;
    pub(super) const SETTINGS: u8 = 4;
    pub(super) const GOAWAY: u8 = 7;
    pub(super) const END_STREAM: u8 = 1;
    pub(super) const ACK: u8 = 1;
    pub(super) const END_HEADERS: u8 = 4;
}

/// An HTTP/2 connection: one request at a time, bodies of responses are skipped.
pub struct Http2 {
    io: Box<dyn Stream>,
    decoder: loona_hpack::Decoder<'static>,
    next_stream: u32,
}

impl Http2 {
    pub(crate) async fn new(mut io: Box<dyn Stream>) -> Http2 {
        let hello = [http2::PREFACE, &frame(http2::SETTINGS, 0, 0, &[])].concat();
        io.write_all(&hello).await.expect("a connection to Envoy");
        Http2 {
            io,
            decoder: loona_hpack::Decoder::new(),
            next_stream: 1,
        }
    }

    async fn send(&mut self, fields: &Fields<'_>) -> Option<u16> {
        let stream = self.next_stream;
        self.next_stream += 2;
        let flags = http2::END_STREAM | http2::END_HEADERS;
        let request = frame(http2::HEADERS, flags, stream, &hpack(fields));
        self.io.write_all(&request).await.ok()?;
        self.io.flush().await.ok()?;
        loop {
            let mut head = [0; 9];
            self.io.read_exact(&mut head).await.ok()?;
            let [a, b, c, kind, flags, id @ ..] = head;
            let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
            self.io.read_exact(&mut payload).await.ok()?;
            match kind {
                http2::SETTINGS if flags & http2::ACK == 0 => {
                    let ack = frame(http2::SETTINGS, http2::ACK, 0, &[]);
                    self.io.write_all(&ack).await.ok()?;
                }
                http2::GOAWAY => return None,
                http2::RST_STREAM if u32::from_be_bytes(id) == stream => return None,
                http2::HEADERS => {
                    let fields = self.decoder.decode(&payload).expect("HPACK");
                    let status = fields.iter().find(|(name, _)| name == b":status");
                    // Trailers have none.
                    if let Some((_, status)) = status {
                        return std::str::from_utf8(status).ok()?.parse().ok();
                    }
                }
                _ => {}
            }
        }
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, length @ ..] = u32::try_from(payload.len())
        .expect("a short frame")
        .to_be_bytes();
    [&length[..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

fn hpack(fields: &Fields<'_>) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        prefixed(&mut block, 0, 7, name.as_bytes());
        prefixed(&mut block, 0, 7, value);
    }
    block
}

/// An HTTP/3 connection.
pub struct Http3 {
    connection: quinn::Connection,
    // The control stream stays open as long as the connection, and the connection's sockets live in the endpoint.
    _control: quinn::SendStream,
    _endpoint: quinn::Endpoint,
}

/// Stream and frame types of RFC 9114 §6.2.1, §7.2.
mod http3 {
    pub(super) const CONTROL_STREAM: u8 = 0;
    pub(super) const HEADERS: u8 = 1;
    pub(super) const SETTINGS: u8 = 4;
}

impl Http3 {
    pub(crate) async fn new(endpoint: quinn::Endpoint, connection: quinn::Connection) -> Http3 {
        let mut control = connection.open_uni().await.expect("a stream to Envoy");
        // Empty settings: no dynamic table.
        let hello = [http3::CONTROL_STREAM, http3::SETTINGS, 0];
        control.write_all(&hello).await.expect("a stream to Envoy");
        Http3 {
            connection,
            _control: control,
            _endpoint: endpoint,
        }
    }

    async fn send(&mut self, fields: &Fields<'_>) -> Option<u16> {
        let (mut send, mut receive) = self.connection.open_bi().await.ok()?;
        let block = qpack(fields);
        // A variable-length integer of two bytes (RFC 9000 §16).
        let length = (u16::try_from(block.len()).expect("a short frame") | 0x4000).to_be_bytes();
        let request = [&[http3::HEADERS], &length[..], &block].concat();
        send.write_all(&request).await.ok()?;
        send.finish().ok()?;
        let mut response = Vec::new();
        loop {
            response.extend_from_slice(&receive.read_chunk(1024, true).await.ok()??.bytes);
            if let Some(status) = status(&response) {
                return Some(status);
            }
        }
    }
}

fn qpack(fields: &Fields<'_>) -> Vec<u8> {
    let mut block = vec![0, 0];
    for (name, value) in fields {
        prefixed(&mut block, 0b0010_0000, 3, name.as_bytes());
        prefixed(&mut block, 0, 7, value);
    }
    block
}

/// The status of a response that starts with a HEADERS frame, which starts with `:status`, taken from QPACK's static table;
/// `None` while there are too few bytes.
fn status(response: &[u8]) -> Option<u16> {
    let (kind, rest) = response.split_first()?;
    assert_eq!(*kind, http3::HEADERS, "the first frame of {response:?}");
    let length_bytes = 1 << (rest.first()? >> 6);
    let field = rest.get(length_bytes + 2..length_bytes + 4)?;
    // RFC 9204, appendix A; the two bytes before are the section's prefix.
    let status = match *field {
        [0xd9, _] => 200,
        [0xdb, _] => 404,
        [0xdc, _] => 503,
        [0xff, 4] => 400,
        [0xff, 5] => 403,
        [0xff, 6] => 421,
        [0xff, 8] => 500,
        _ => panic!("{field:x?} is none of the statuses that a test expects"),
    };
    Some(status)
}

/// A string behind its length, which starts in the last `bits` bits of a byte whose first bits are those of `pattern`.
fn prefixed(block: &mut Vec<u8>, pattern: u8, bits: u32, text: &[u8]) {
    let most = (1 << bits) - 1;
    if text.len() < most {
        block.push(pattern | text.len() as u8);
    } else {
        block.push(pattern | most as u8);
        let mut rest = text.len() - most;
        while rest >= 128 {
            block.push(rest as u8 | 128);
            rest >>= 7;
        }
        block.push(rest as u8);
    }
    block.extend_from_slice(text);
}
