//! Accepts connections, and survives a shortage of descriptors.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};

use super::admission::{Admission, Admitted};
use crate::metrics::{Metrics, Port, RefusalReason};

/// The pause after a failed accept. The error is the system's, so the next call may succeed.
const PAUSE: Duration = Duration::from_millis(100);
/// The shortest time between two log lines about the same trouble.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// A port that accepts connections within limits.
pub(super) struct Listener {
    port: Port,
    tcp: TcpListener,
    admission: Arc<Admission>,
    metrics: Arc<Metrics>,
    shortage: Trouble,
    crowd: Trouble,
}

impl Listener {
    /// Accepts from a socket that listens already.
    pub(super) fn new(
        port: Port,
        tcp: TcpListener,
        admission: Arc<Admission>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            port,
            tcp,
            admission,
            metrics,
            shortage: Trouble::default(),
            crowd: Trouble::default(),
        }
    }

    /// Waits for the next admitted connection; closes those beyond the limits.
    pub(super) async fn accept(&mut self) -> (TcpStream, SocketAddr, Admitted) {
        loop {
            match self.tcp.accept().await {
                Ok((tcp, peer)) => {
                    self.recovered();
                    match self.admission.admit(peer.ip()) {
                        Ok(admitted) => return (tcp, peer, admitted),
                        Err(reason) => self.refused(peer, reason),
                    }
                }
                Err(error) if is_of_connection(&error) => {}
                Err(error) => {
                    self.failed(&error);
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn failed(&mut self, error: &io::Error) {
        self.metrics.count_accept_error(self.port);
        if self.shortage.should_log() {
            let port = self.port.name();
            tracing::error!(%error, "the {port} can't accept connections, retrying");
        }
    }

    fn recovered(&mut self) {
        if self.shortage.end() {
            tracing::info!("the {} accepts connections again", self.port.name());
        }
    }

    fn refused(&mut self, peer: SocketAddr, reason: RefusalReason) {
        self.metrics.count_refused_connection(self.port, reason);
        if self.crowd.should_log() {
            let (port, reason) = (self.port.name(), reason.text());
            tracing::warn!(%peer, "too many connections to the {port} {reason}: closed");
        }
    }
}

/// Tells whether accept failed for the connection's sake, not the system's.
fn is_of_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionRefused
            | ErrorKind::Interrupted
    )
}

/// A trouble that may last: logged when it starts, and then at intervals.
#[derive(Default)]
struct Trouble {
    logged: Option<Instant>,
}

impl Trouble {
    fn should_log(&mut self) -> bool {
        let is_due = self
            .logged
            .is_none_or(|logged| logged.elapsed() >= LOG_INTERVAL);
        if is_due {
            self.logged = Some(Instant::now());
        }
        is_due
    }

    /// Ends the trouble; tells whether there was one.
    fn end(&mut self) -> bool {
        self.logged.take().is_some()
    }
}
