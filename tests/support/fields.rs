//! HTTP/2 and HTTP/3 connections for header fields that no HTTP library sends: any name, value and
//! order.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use crate::{
    connector::Stream,
    field_encoding::{Hpack, qpack},
};

/// A response waits no longer than this.
const PATIENCE: Duration = Duration::from_secs(30);

/// Name and value of each field, pseudo-header fields included.
pub type Fields<'a> = [(&'a str, &'a [u8])];

/// A request to send.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The header fields, pseudo-header fields included.
    pub fields: &'a Fields<'a>,
    /// The body; there is none when it is empty.
    pub body: &'a [u8],
    /// The trailer fields; there are none when they are empty.
    pub trailers: &'a Fields<'a>,
    /// Draws each field's representation and the frames of the header block at random. By default
    /// all fields are literals.
    pub representations: Option<u64>,
}

/// An HTTP/2 or HTTP/3 connection that sends the fields it is given.
pub enum FieldsConnection {
    /// Over TLS on TCP.
    Http2(Http2),
    /// Over QUIC.
    Http3(Http3),
}

impl FieldsConnection {
    /// Sends a request without a body on a new stream. Returns the status, or `None` if Envoy
    /// resets the stream or closes the connection instead.
    ///
    /// # Panics
    /// When neither happens in time.
    pub async fn send(&mut self, fields: &Fields<'_>) -> Option<u16> {
        self.send_message(&Message {
            fields,
            body: b"",
            trailers: &[],
            representations: None,
        })
        .await
    }

    /// The same for a request with body or trailers.
    ///
    /// # Panics
    /// When neither a response nor an end comes in time.
    pub async fn send_message(&mut self, message: &Message<'_>) -> Option<u16> {
        let answered = async {
            match self {
                FieldsConnection::Http2(connection) => connection.send(message).await,
                FieldsConnection::Http3(connection) => connection.send(message).await,
            }
        };
        timeout(PATIENCE, answered)
            .await
            .unwrap_or_else(|_| panic!("no response within {PATIENCE:?}"))
    }
}

impl FieldsConnection {
    /// Whether more requests can be sent, as far as is known.
    pub fn is_open(&self) -> bool {
        match self {
            FieldsConnection::Http2(connection) => connection.open,
            FieldsConnection::Http3(connection) => connection.connection.close_reason().is_none(),
        }
    }
}

/// Frame types, flags and settings of RFC 9113 §6.
pub(crate) mod http2 {
    pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    pub(crate) const DATA: u8 = 0;
    pub(crate) const HEADERS: u8 = 1;
    pub(crate) const CONTINUATION: u8 = 9;
    pub(crate) const RST_STREAM: u8 = 3;
    pub(crate) const SETTINGS: u8 = 4;
    pub(crate) const GOAWAY: u8 = 7;
    pub(crate) const WINDOW_UPDATE: u8 = 8;
    pub(crate) const END_STREAM: u8 = 1;
    pub(crate) const ACK: u8 = 1;
    pub(crate) const END_HEADERS: u8 = 4;
}

/// An HTTP/2 connection: one request at a time, bodies of responses are skipped.
pub struct Http2 {
    pub(crate) io: Box<dyn Stream>,
    encoder: Hpack,
    decoder: loona_hpack::Decoder<'static>,
    pub(crate) next_stream: u32,
    open: bool,
}

impl Http2 {
    pub(crate) async fn new(mut io: Box<dyn Stream>) -> Http2 {
        let hello = [http2::PREFACE, &frame(http2::SETTINGS, 0, 0, &[])].concat();
        io.write_all(&hello).await.expect("a connection to Envoy");
        Http2 {
            io,
            encoder: Hpack::default(),
            decoder: loona_hpack::Decoder::new(),
            next_stream: 1,
            open: true,
        }
    }

    async fn send(&mut self, message: &Message<'_>) -> Option<u16> {
        let stream = self.next_stream;
        self.next_stream += 2;
        let request = self.request(stream, message);
        let answered = self.exchange(stream, &request).await;
        // Without an answer, the stream was reset or the connection ended; only a reset leaves it
        // open.
        self.open = answered.is_ok();
        answered.ok().flatten()
    }

    pub(crate) fn request(&mut self, stream: u32, message: &Message<'_>) -> Vec<u8> {
        let mut draw = message.representations.map(fastrand::Rng::with_seed);
        let last = |is_last: bool| if is_last { http2::END_STREAM } else { 0 };
        let (no_body, no_trailers) = (message.body.is_empty(), message.trailers.is_empty());
        let block = self.encoder.encode(message.fields, draw.as_mut());
        let flags = last(no_body && no_trailers);
        let mut bytes = header_frames(flags, stream, &block, draw.as_mut());
        if !no_body {
            bytes.extend(frame(http2::DATA, last(no_trailers), stream, message.body));
        }
        if !no_trailers {
            let block = self.encoder.encode(message.trailers, draw.as_mut());
            let flags = http2::END_STREAM;
            bytes.extend(header_frames(flags, stream, &block, draw.as_mut()));
        }
        bytes
    }

    /// The status, or `None` when the stream was reset.
    pub(crate) async fn exchange(
        &mut self,
        stream: u32,
        request: &[u8],
    ) -> Result<Option<u16>, io::Error> {
        self.io.write_all(request).await?;
        self.io.flush().await?;
        loop {
            let (kind, flags, id, payload) = self.read_frame().await?;
            match kind {
                http2::SETTINGS if flags & http2::ACK == 0 => {
                    let ack = frame(http2::SETTINGS, http2::ACK, 0, &[]);
                    self.io.write_all(&ack).await?;
                }
                http2::GOAWAY => return Err(io::ErrorKind::ConnectionAborted.into()),
                http2::RST_STREAM if id == stream => return Ok(None),
                http2::HEADERS => {
                    let fields = self.decoder.decode(&payload).expect("HPACK");
                    let status = fields.iter().find(|(name, _)| name == b":status");
                    // Trailers have none, and other streams may have been given up.
                    if let Some((_, status)) = status
                        && id == stream
                    {
                        let status = std::str::from_utf8(status).map_err(io::Error::other)?;
                        return Ok(status.parse().ok());
                    }
                }
                _ => {}
            }
        }
    }

    /// Type, flags, stream and payload.
    async fn read_frame(&mut self) -> io::Result<(u8, u8, u32, Vec<u8>)> {
        let mut head = [0; 9];
        self.io.read_exact(&mut head).await?;
        let [a, b, c, kind, flags, id @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        self.io.read_exact(&mut payload).await?;
        Ok((kind, flags, u32::from_be_bytes(id), payload))
    }

    /// The next data of that stream, or `None` when it ends.
    pub(crate) async fn data(&mut self, stream: u32) -> io::Result<Option<Vec<u8>>> {
        loop {
            let (kind, flags, id, payload) = self.read_frame().await?;
            if kind == http2::HEADERS {
                // For the fields of later ones.
                self.decoder.decode(&payload).expect("HPACK");
            }
            if id != stream {
                continue;
            }
            if kind == http2::DATA && !payload.is_empty() {
                return Ok(Some(payload));
            }
            if kind == http2::RST_STREAM || flags & http2::END_STREAM != 0 {
                return Ok(None);
            }
        }
    }
}

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, length @ ..] = u32::try_from(payload.len())
        .expect("a short frame")
        .to_be_bytes();
    [&length[..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A header block in a HEADERS frame and as many CONTINUATION frames as it takes, or as are drawn.
fn header_frames(
    flags: u8,
    stream: u32,
    block: &[u8],
    draw: Option<&mut fastrand::Rng>,
) -> Vec<u8> {
    /// The longest payload that every peer takes (RFC 9113 §4.2).
    const LONGEST: usize = 16_384;
    // Envoy takes only a few CONTINUATION frames in a row.
    let length = draw.map_or(LONGEST, |draw| draw.usize(block.len() / 4..=block.len()));
    let pieces: Vec<&[u8]> = block.chunks(length.clamp(1, LONGEST)).collect();
    let mut bytes = Vec::new();
    for (number, piece) in pieces.iter().enumerate() {
        let end = match number + 1 == pieces.len() {
            true => http2::END_HEADERS,
            false => 0,
        };
        bytes.extend(match number {
            0 => frame(http2::HEADERS, flags | end, stream, piece),
            _ => frame(http2::CONTINUATION, end, stream, piece),
        });
    }
    bytes
}

/// An HTTP/3 connection.
pub struct Http3 {
    pub(crate) connection: quinn::Connection,
    // The control stream must stay open as long as the connection; the endpoint owns the sockets.
    pub(crate) control: quinn::SendStream,
    _endpoint: quinn::Endpoint,
}

/// Stream and frame types of RFC 9114 §6.2.1, §7.2.
pub(crate) mod http3 {
    pub(crate) const CONTROL_STREAM: u8 = 0;
    pub(crate) const DATA: u8 = 0;
    pub(crate) const HEADERS: u8 = 1;
    pub(crate) const SETTINGS: u8 = 4;
    pub(crate) const GOAWAY: u8 = 7;
}

impl Http3 {
    pub(crate) async fn new(endpoint: quinn::Endpoint, connection: quinn::Connection) -> Http3 {
        let mut control = connection.open_uni().await.expect("a stream to Envoy");
        // Empty settings: no dynamic table.
        let hello = [http3::CONTROL_STREAM, http3::SETTINGS, 0];
        control.write_all(&hello).await.expect("a stream to Envoy");
        Http3 {
            connection,
            control,
            _endpoint: endpoint,
        }
    }

    async fn send(&mut self, message: &Message<'_>) -> Option<u16> {
        let (mut send, mut receive) = self.connection.open_bi().await.ok()?;
        send.write_all(&Http3::request(message)).await.ok()?;
        send.finish().ok()?;
        let mut response = Vec::new();
        loop {
            response.extend_from_slice(&receive.read_chunk(1024, true).await.ok()??.bytes);
            if let Some(status) = status(&response) {
                return Some(status);
            }
        }
    }

    pub(crate) fn request(message: &Message<'_>) -> Vec<u8> {
        let mut draw = message.representations.map(fastrand::Rng::with_seed);
        let mut request = http3_frame(http3::HEADERS, &qpack(message.fields, draw.as_mut()));
        if !message.body.is_empty() {
            request.extend(http3_frame(http3::DATA, message.body));
        }
        if !message.trailers.is_empty() {
            let block = qpack(message.trailers, draw.as_mut());
            request.extend(http3_frame(http3::HEADERS, &block));
        }
        request
    }
}

fn http3_frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    // A variable-length integer of four bytes (RFC 9000 §16).
    let length = u32::try_from(payload.len()).expect("a short frame") | 0x8000_0000;
    [&[kind], &length.to_be_bytes()[..], payload].concat()
}

/// The status of a response that starts with a HEADERS frame whose first field is `:status`, by
/// QPACK's static table or by name; `None` while bytes are missing.
pub(crate) fn status(response: &[u8]) -> Option<u16> {
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
        // A literal with the name at index 24, without Huffman code, which does not shorten it.
        [0x5f, 9] => {
            let value = rest.get(length_bytes + 4..length_bytes + 8)?;
            assert_eq!(value[0], 3, "{value:x?} is no status in plain text");
            std::str::from_utf8(&value[1..]).ok()?.parse().ok()?
        }
        _ => panic!("{field:x?} is none of the statuses that a test expects"),
    };
    Some(status)
}
