//! An HTTP/1.1 connection for bytes that no HTTP library would send.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{connector::Stream, message::Headers};

/// A response waits no longer than this.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection that sends any bytes.
pub struct RawConnection {
    stream: Box<dyn Stream>,
    unread: Vec<u8>,
}

/// The head of a response; its body has been read too.
#[derive(Clone, Debug)]
pub struct RawResponse {
    /// The status code.
    pub status: u16,
    /// The header fields.
    pub headers: Headers,
}

impl RawConnection {
    pub(crate) fn new(stream: Box<dyn Stream>) -> RawConnection {
        RawConnection {
            stream,
            unread: Vec::new(),
        }
    }

    /// Sends the bytes and reads one response, or `None` when Envoy closes the connection instead.
    ///
    /// # Panics
    /// When neither happens in time, or the response is not HTTP/1.1.
    pub async fn exchange(&mut self, request: &[u8]) -> Option<RawResponse> {
        // Envoy may close the connection before it has read all of a bad request; its answer
        // counts.
        let _ = self.stream.write_all(request).await;
        let _ = self.stream.flush().await;
        loop {
            if let Some(response) = self.take_response() {
                return Some(response);
            }
            let mut buffer = [0; 16 * 1024];
            let read = tokio::time::timeout(PATIENCE, self.stream.read(&mut buffer)).await;
            match read.unwrap_or_else(|_| panic!("no response within {PATIENCE:?}")) {
                Ok(0) | Err(_) => return None,
                Ok(length) => self.unread.extend_from_slice(&buffer[..length]),
            }
        }
    }

    /// Sends the bytes and reads nothing.
    ///
    /// # Panics
    /// When the connection has ended.
    pub async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("a connection");
        self.stream.flush().await.expect("a connection");
    }

    /// The status of the next response once its head has arrived, or `None` if Envoy closes the
    /// connection instead. Doesn't wait for the rest.
    ///
    /// # Panics
    /// When neither happens in time.
    pub async fn read_head(&mut self) -> Option<u16> {
        while !self.unread.windows(4).any(|end| end == b"\r\n\r\n") {
            let mut buffer = [0; 16 * 1024];
            let read = tokio::time::timeout(PATIENCE, self.stream.read(&mut buffer)).await;
            match read.unwrap_or_else(|_| panic!("no response within {PATIENCE:?}")) {
                Ok(0) | Err(_) => return None,
                Ok(length) => self.unread.extend_from_slice(&buffer[..length]),
            }
        }
        let status = self.unread.split(|byte| *byte == b' ').nth(1)?;
        std::str::from_utf8(status).ok()?.parse().ok()
    }

    /// Sends bytes through an upgraded connection or a tunnel, and reads as many.
    ///
    /// # Panics
    /// When they don't come in time.
    pub async fn echoed(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.stream.write_all(bytes).await.expect("an open tunnel");
        self.stream.flush().await.expect("an open tunnel");
        while self.unread.len() < bytes.len() {
            let mut buffer = [0; 1024];
            let read = tokio::time::timeout(PATIENCE, self.stream.read(&mut buffer)).await;
            let read = read.unwrap_or_else(|_| panic!("nothing within {PATIENCE:?}"));
            let length = read.expect("an open tunnel");
            assert_ne!(length, 0, "the tunnel ended");
            self.unread.extend_from_slice(&buffer[..length]);
        }
        self.unread.drain(..bytes.len()).collect()
    }

    /// The first response in the bytes read so far, if complete.
    fn take_response(&mut self) -> Option<RawResponse> {
        let mut fields = [httparse::EMPTY_HEADER; 128];
        let mut response = httparse::Response::new(&mut fields);
        let head = match response.parse(&self.unread).expect("an HTTP/1.1 response") {
            httparse::Status::Complete(length) => length,
            httparse::Status::Partial => return None,
        };
        let status = response.code.expect("a status code");
        let headers = Headers(
            response
                .headers
                .iter()
                .map(|field| (field.name.to_ascii_lowercase(), field.value.to_vec()))
                .collect(),
        );
        let length = match headers.header("content-length") {
            Some(length) => head + length.parse::<usize>().expect("a length"),
            // A switch of protocols, or a tunnel.
            None if headers.header("transfer-encoding").is_none() => head,
            None => self.unread[head..]
                .windows(5)
                .position(|end| end == b"0\r\n\r\n")
                .map(|at| head + at + 5)?,
        };
        if self.unread.len() < length {
            return None;
        }
        self.unread.drain(..length);
        Some(RawResponse { status, headers })
    }
}
