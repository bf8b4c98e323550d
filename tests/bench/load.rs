//! A closed loop over keep-alive mTLS connections. HTTP/1.1 by hand, so that the load takes less
//! processor time than the measured process.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::{ClientConfig, client::Resumption};
use support::{connector::tls_config, pki};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    outcome::{Failure, setup},
    processor,
};

/// The hostname of every request.
pub(crate) const HOST: &str = "api.example.com";
/// No single exchange takes longer.
const PATIENCE: Duration = Duration::from_secs(90);
/// How many connections are being opened at a time.
const OPENING: usize = 64;

/// The TLS of the clients, who present a certificate and never resume a session.
pub(crate) fn client_tls() -> Arc<ClientConfig> {
    let mut config = tls_config(Some(&pki().client), &[&rustls::version::TLS13]);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = Resumption::disabled();
    Arc::new(config)
}

/// A request as it goes over the wire, with as many headers as a usual client sends.
pub(crate) fn request(path: &str, extra: &[(String, String)]) -> Arc<[u8]> {
    let mut text = format!(
        "GET {path} HTTP/1.1\r\nhost: {HOST}\r\nuser-agent: bench/1.0\r\naccept: */*\r\naccept-encoding: gzip, br\r\n\
         accept-language: en\r\n"
    );
    for (name, value) in extra {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    text.into_bytes().into()
}

/// One keep-alive connection.
pub(crate) struct Connection {
    stream: TlsStream<TcpStream>,
    unread: Vec<u8>,
}

impl Connection {
    /// Connects with the client's certificate.
    pub(crate) async fn open(address: SocketAddr, tls: &Arc<ClientConfig>) -> io::Result<Self> {
        let name = HOST.try_into().map_err(io::Error::other)?;
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let connector = TlsConnector::from(Arc::clone(tls));
        let stream = in_time(connector.connect(name, stream)).await?;
        Ok(Connection {
            stream,
            unread: Vec::with_capacity(4096),
        })
    }

    /// Sends a request and reads its response.
    ///
    /// # Errors
    /// When there is none, or its status is not 200.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> io::Result<()> {
        self.stream.write_all(request).await?;
        loop {
            if self.stream.read_buf(&mut self.unread).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(length) = response_length(&self.unread)? {
                self.unread.drain(..length);
                return Ok(());
            }
        }
    }

    /// Gives up everything but the open socket.
    pub(crate) fn into_socket(self) -> TcpStream {
        self.stream.into_inner().0
    }
}

/// Opens that many connections and lets each send these requests.
pub(crate) async fn open_all(
    count: usize,
    address: SocketAddr,
    tls: &Arc<ClientConfig>,
    first: &[Arc<[u8]>],
) -> Result<Vec<Connection>, Failure> {
    let mut opening = JoinSet::new();
    let mut open = Vec::with_capacity(count);
    let mut started = 0;
    while open.len() < count {
        while started < count && opening.len() < OPENING {
            let (tls, first) = (Arc::clone(tls), first.to_vec());
            opening.spawn(async move {
                let mut connection = Connection::open(address, &tls).await?;
                for request in &first {
                    in_time(connection.exchange(request)).await?;
                }
                io::Result::Ok(connection)
            });
            started += 1;
        }
        let opened = opening.join_next().await.expect("one is being opened");
        let opened = opened.map_err(setup("opening a connection"))?;
        open.push(opened.map_err(setup(format!("connection {} of {count}", open.len() + 1)))?);
    }
    Ok(open)
}

/// When a slice of load ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Until {
    /// After that time.
    Elapsed(Duration),
    /// After that many requests on each connection.
    Requests(u64),
}

/// The results of a slice of load.
#[derive(Debug)]
pub(crate) struct Slice {
    /// How many requests were answered.
    pub(crate) requests: u64,
    /// How long it took.
    pub(crate) wall: Duration,
    /// Processor time of the measured process.
    pub(crate) cpu: Duration,
    /// Processor time of this one: the load itself.
    pub(crate) own_cpu: Duration,
    /// How long each request took, in microseconds; when asked for.
    pub(crate) latencies: Vec<f64>,
}

impl Slice {
    /// Processor time of the measured process per request, in microseconds.
    pub(crate) fn cpu_per_request(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.requests.max(1) as f64
    }
}

/// Sends `request` repeatedly on each of the connections, and accounts the processor time of `pid`.
///
/// # Errors
/// When a request fails: then the case does not do its job.
pub(crate) async fn slice(
    connections: &mut Vec<Connection>,
    request: &Arc<[u8]>,
    until: Until,
    latencies: bool,
    pid: u32,
) -> Result<Slice, Failure> {
    let times = || -> io::Result<_> { Ok((processor::time_of(pid)?, processor::own_time()?)) };
    let (cpu, own_cpu) = times().map_err(setup("the processor time"))?;
    let start = Instant::now();
    let mut running = JoinSet::new();
    for connection in connections.drain(..) {
        running.spawn(run(
            connection,
            Arc::clone(request),
            until,
            start,
            latencies,
        ));
    }
    let (mut requests, mut all_latencies) = (0, Vec::new());
    while let Some(ended) = running.join_next().await {
        let ended = ended.map_err(setup("a connection's task"))?;
        let (connection, count, latencies) = ended.map_err(|error| {
            Failure::WrongState(format!("a request under load failed: {error}"))
        })?;
        connections.push(connection);
        requests += count;
        all_latencies.extend(latencies);
    }
    let wall = start.elapsed();
    let (cpu_after, own_after) = times().map_err(setup("the processor time"))?;
    Ok(Slice {
        requests,
        wall,
        cpu: cpu_after.saturating_sub(cpu),
        own_cpu: own_after.saturating_sub(own_cpu),
        latencies: all_latencies,
    })
}

async fn run(
    mut connection: Connection,
    request: Arc<[u8]>,
    until: Until,
    start: Instant,
    record: bool,
) -> io::Result<(Connection, u64, Vec<f64>)> {
    let mut latencies = Vec::new();
    let mut count = 0;
    let mut now = start;
    let ends = |count: u64, now: Instant| match until {
        Until::Elapsed(duration) => now.duration_since(start) >= duration,
        Until::Requests(requests) => count >= requests,
    };
    while !ends(count, now) {
        connection.exchange(&request).await?;
        let after = Instant::now();
        if record {
            latencies.push(after.duration_since(now).as_secs_f64() * 1e6);
        }
        now = after;
        count += 1;
    }
    Ok((connection, count, latencies))
}

/// The length of the response at the start of these bytes, once it is complete.
fn response_length(bytes: &[u8]) -> io::Result<Option<usize>> {
    let mut fields = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut fields);
    let httparse::Status::Complete(head) = response.parse(bytes).map_err(io::Error::other)? else {
        return Ok(None);
    };
    if response.code != Some(200) {
        let status = response.code.unwrap_or_default();
        return Err(io::Error::other(format!("status {status}")));
    }
    let length = response
        .headers
        .iter()
        .find(|field| field.name.eq_ignore_ascii_case("content-length"))
        .and_then(|field| std::str::from_utf8(field.value).ok()?.parse::<usize>().ok())
        .ok_or_else(|| io::Error::other("a response without content-length"))?;
    Ok(Some(head + length).filter(|whole| bytes.len() >= *whole))
}

async fn in_time<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(PATIENCE, work)
        .await
        .map_err(|_| io::Error::other(format!("nothing within {PATIENCE:?}")))?
}

#[cfg(test)]
mod tests {
    use super::response_length;

    #[test]
    fn a_response_ends_where_its_body_does() {
        let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\nHTTP/1.1";
        assert_eq!(response_length(whole).unwrap(), Some(41));
        assert_eq!(response_length(&whole[..40]).unwrap(), None);
        assert_eq!(response_length(&whole[..20]).unwrap(), None);
        assert!(response_length(b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n").is_err());
    }
}
