//! Gives a running Envoy a new filter configuration, by a file that it watches (ECDS).

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{Envoy, PATIENCE, builder::FilterChange};
use crate::bootstrap::{self, FILTER_NAME};

/// Envoy's reaction to a new configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// It is in force.
    Accepted,
    /// It was refused, the old one is still in force.
    Rejected,
}

impl Envoy {
    /// Gives Envoy a new filter configuration and waits until it has taken or refused it. For
    /// [`super::EnvoyBuilder::discovered`] only.
    pub async fn update_config(&self, configuration: &Value) -> Update {
        self.update_config_text(&configuration.to_string()).await
    }

    /// The same with the configuration as text, which need not be JSON.
    pub async fn update_config_text(&self, configuration: &str) -> Update {
        let before = self.discovery_counts().await;
        let mut resource = self.deployment.discovery_response(configuration);
        change_filters(&mut resource, &self.filter_changes);
        write_discovery_file(&discovery_folder(self.folder.path()), &resource);
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            // Envoy counts a refused configuration under both names, so read both from one
            // snapshot.
            let now = self.discovery_counts().await;
            if now.failures > before.failures {
                return Update::Rejected;
            }
            if now.reloads > before.reloads {
                return Update::Accepted;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("Envoy did not notice its new filter configuration in {PATIENCE:?}");
    }

    async fn discovery_counts(&self) -> DiscoveryCounts {
        let prefix = format!("extension_config_discovery.http_filter.{FILTER_NAME}");
        let text = self.admin(&format!("/stats?filter={prefix}")).await;
        let count = |name: &str| {
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix(&format!("{prefix}.{name}: ")));
            line.and_then(|value| value.parse().ok()).unwrap_or(0)
        };
        DiscoveryCounts {
            reloads: count("config_reload"),
            failures: count("config_fail"),
        }
    }
}

struct DiscoveryCounts {
    reloads: u64,
    failures: u64,
}

pub(super) fn change_filters(configuration: &mut Value, changes: &[FilterChange]) {
    for filter in bootstrap::wasm_filters(configuration) {
        for change in changes {
            change(filter);
        }
    }
}

/// Moves that resource into the watched folder: Envoy notices a moved file, not a written one.
pub(super) fn write_discovery_file(folder: &Path, resource: &Value) {
    let (written, moved) = (folder.join("filter.json.new"), folder.join("filter.json"));
    fs::write(&written, resource.to_string()).expect("a written file");
    fs::rename(&written, &moved).expect("a moved file");
}

pub(super) fn discovery_folder(folder: &Path) -> PathBuf {
    folder.join("discovery")
}
