//! Learns of other replicas' changes: by notification, and by polling as the net below it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::connection::Connector;

/// The channel that each change notifies.
pub(super) const CHANNEL: &str = "settings_api";

/// The longest time without a look at the revision.
const POLL: Duration = Duration::from_secs(1);

/// The pause before the listening connection is opened again.
const RETRY: Duration = Duration::from_millis(500);

/// Wakes up at each change. The connection is closed when the value is dropped.
#[derive(Debug)]
pub(super) struct Changes {
    notify: Arc<Notify>,
    task: tokio::task::JoinHandle<()>,
}

impl Changes {
    /// Listens on a connection of its own, which is opened again whenever it breaks.
    pub(super) fn listen(connector: Connector) -> Self {
        let notify = Arc::new(Notify::new());
        let notified = Arc::clone(&notify);
        let task = tokio::spawn(async move {
            let statement = format!("LISTEN {CHANNEL}");
            loop {
                let notified = Arc::clone(&notified);
                let ended = connector.listen(&statement, move || notified.notify_one());
                if let Err(error) = ended.await {
                    tracing::debug!(%error, "not listening for changes, polling alone");
                }
                tokio::time::sleep(RETRY).await;
            }
        });
        Self { notify, task }
    }

    /// Waits for a notification, or until the next poll is due.
    pub(super) async fn next(&self) {
        let _ = tokio::time::timeout(POLL, self.notify.notified()).await;
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        self.task.abort();
    }
}
