//! An HTTP/1.1 origin that takes any bytes for a header name, which no HTTP library does: no origin
//! could read a field that this one has not recorded.

use std::{io, sync::Arc};

use bytes::Bytes;
use hyper::Version;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::{Recorded, state::State};
use crate::message::Headers;

pub(super) async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        connections.spawn(async move {
            // Ends in an error when Envoy closes the connection.
            let _ = converse(BufReader::new(stream), &state).await;
        });
    }
}

async fn converse(mut stream: BufReader<TcpStream>, state: &State) -> io::Result<()> {
    loop {
        let mut line = Vec::new();
        if stream.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        let line = text(line.trim_ascii());
        let mut words = line.split(' ');
        let method = words.next().unwrap_or_default().to_owned();
        let path = words.next().unwrap_or_default().to_owned();
        let headers = read_fields(&mut stream).await?;
        let (body, trailers) = read_body(&mut stream, &headers).await?;
        state.keep(Recorded {
            method,
            authority: headers
                .all("host")
                .first()
                .map_or_else(String::new, |host| text(host)),
            path,
            version: Version::HTTP_11,
            headers,
            body,
            trailers,
            ..Recorded::default()
        });
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            .await?;
    }
}

/// Reads lines up to an empty one. A bare LF or CR ends a line too, and a line that starts with a
/// blank is a field of its own, as some origins read them.
async fn read_fields(stream: &mut BufReader<TcpStream>) -> io::Result<Headers> {
    let mut fields = Vec::new();
    loop {
        let mut line = Vec::new();
        stream.read_until(b'\n', &mut line).await?;
        let line = line
            .strip_suffix(b"\r\n")
            .or(line.strip_suffix(b"\n"))
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        if line.is_empty() {
            return Ok(Headers(fields));
        }
        for line in line.split(|byte| *byte == b'\r') {
            let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
            let value = line.get(name.len() + 1..).unwrap_or_default();
            fields.push((text(name), value.trim_ascii().to_vec()));
        }
    }
}

async fn read_body(
    stream: &mut BufReader<TcpStream>,
    headers: &Headers,
) -> io::Result<(Bytes, Headers)> {
    if headers.all("transfer-encoding").is_empty() {
        let length = headers.header("content-length").unwrap_or("0");
        let length = length.parse().map_err(io::Error::other)?;
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        return Ok((body.into(), Headers::default()));
    }
    let mut body = Vec::new();
    loop {
        let mut size = String::new();
        stream.read_line(&mut size).await?;
        let size = size.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).map_err(io::Error::other)?;
        if size == 0 {
            return Ok((body.into(), read_fields(stream).await?));
        }
        let mut chunk = vec![0; size + 2];
        stream.read_exact(&mut chunk).await?;
        body.extend_from_slice(&chunk[..size]);
    }
}

/// Maps every byte to the character of that number.
fn text(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}
