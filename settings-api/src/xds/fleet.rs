//! The Envoys of all replicas: each tells the others of its own through the store.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::subscribers::{SubscriberStatus, Subscribers};
use crate::error::Error;
use crate::hex;
use crate::model::snapshot::Resource;
use crate::store::Store;

/// The interval at which a replica announces itself.
const INTERVAL: Duration = Duration::from_secs(1);

/// This replica among the others.
#[derive(Debug)]
pub(crate) struct Fleet {
    /// The machine's name and a random part: each start is another replica.
    replica: String,
    store: Arc<dyn Store>,
    subscribers: Arc<Subscribers>,
}

impl Fleet {
    /// Names this replica.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub(crate) fn join(
        store: Arc<dyn Store>,
        subscribers: Arc<Subscribers>,
    ) -> Result<Self, Error> {
        let mut random = [0; 4];
        getrandom::fill(&mut random)
            .map_err(|error| Error::new("random bytes", "for this replica's name", error))?;
        let machine = rustix::system::uname();
        let machine = machine.nodename().to_string_lossy();
        Ok(Self {
            replica: format!("{machine}-{}", hex::encode(&random)),
            store,
            subscribers,
        })
    }

    /// Announces this replica until `shutdown`.
    pub(crate) async fn announce(self: Arc<Self>, shutdown: CancellationToken) {
        let mut told = None;
        let announcing = async {
            loop {
                let known = self.subscribers.known();
                let is_new = told.as_ref() != Some(&known);
                let announced = self.store.announce(&self.replica, &known, is_new).await;
                // Whether the store can be reached is seen elsewhere.
                told = announced.is_ok().then_some(known);
                tokio::time::sleep(INTERVAL).await;
            }
        };
        let _: Option<()> = shutdown.run_until_cancelled(announcing).await;
        let _ = tokio::time::timeout(INTERVAL, self.store.leave(&self.replica)).await;
    }

    /// Reads what the other replicas know; nothing while the store can't be reached.
    pub(crate) async fn others(&self) -> Vec<(String, Value)> {
        self.store.others(&self.replica).await.unwrap_or_default()
    }

    /// Lists the statuses of all subscribers of a resource, at this replica and at `others`.
    pub(crate) fn statuses(
        &self,
        resource: &Resource,
        others: &[(String, Value)],
    ) -> Vec<SubscriberStatus> {
        let own = &self.replica;
        self.subscribers.statuses_with(resource, own, others)
    }
}
