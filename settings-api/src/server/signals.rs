//! The signals that end the program, and the one that makes it read files again.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::Error;

/// Handlers of SIGTERM and SIGINT.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Installs the handlers.
    ///
    /// # Errors
    /// When the system refuses one.
    pub(super) fn install() -> Result<Self, Error> {
        let on =
            |kind| signal(kind).map_err(|error| Error::new("signals", "can't be caught", error));
        Ok(Self {
            terminate: on(SignalKind::terminate())?,
            interrupt: on(SignalKind::interrupt())?,
        })
    }

    /// Waits for either signal.
    pub(super) async fn received(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Installs the handler of SIGHUP, which asks to read files again.
///
/// # Errors
/// When the system refuses it.
pub(super) fn hangup() -> Result<Signal, Error> {
    signal(SignalKind::hangup()).map_err(|error| Error::new("signals", "can't be caught", error))
}
