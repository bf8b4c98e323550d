//! Envoy's statistics, through its admin interface.

use crate::envoy::Envoy;

impl Envoy {
    /// The filter's counter `client_cert_forwarder_requests` with these labels; 0 until Envoy shows
    /// it.
    pub async fn counter(&self, hostname: &str, outcome: &str) -> u64 {
        let labels = [
            format!("hostname=\"{hostname}\""),
            format!("outcome=\"{outcome}\""),
        ];
        self.filter_metrics()
            .await
            .iter()
            .filter(|line| labels.iter().all(|label| line.contains(label)))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
            .sum()
    }

    /// The lines of `/stats/prometheus` that the filter's own counters make.
    pub async fn filter_metrics(&self) -> Vec<String> {
        let text = self.admin("/stats/prometheus").await;
        text.lines()
            .filter(|line| line.starts_with("client_cert_forwarder_"))
            .map(str::to_owned)
            .collect()
    }

    /// Every filter counter above zero as (hostname, outcome, value), sorted.
    pub async fn outcomes(&self) -> Vec<(String, String, u64)> {
        let mut outcomes: Vec<_> = self
            .filter_metrics()
            .await
            .iter()
            .map(|line| {
                let value = line.rsplit(' ').next().and_then(|value| value.parse().ok());
                (
                    label(line, "hostname"),
                    label(line, "outcome"),
                    value.expect("a counter's value"),
                )
            })
            .filter(|(_, _, value)| *value > 0)
            .collect();
        outcomes.sort();
        outcomes
    }

    /// The sum of the statistics whose full name `matches`.
    pub async fn stats_where(&self, matches: impl Fn(&str) -> bool) -> u64 {
        let text = self.admin("/stats").await;
        text.lines()
            .filter_map(|line| line.split_once(": "))
            .filter(|(name, _)| matches(name))
            .filter_map(|(_, value)| value.parse::<u64>().ok())
            .sum()
    }

    /// One of Envoy's statistics by its full name, 0 while Envoy doesn't show it.
    pub async fn stat(&self, name: &str) -> u64 {
        self.stats_where(|candidate| candidate == name).await
    }

    /// How often Envoy had to start the VM anew: anything but 0 means that the filter failed.
    pub async fn vm_reloads(&self) -> u64 {
        self.stats_where(|name| name.starts_with("wasm.") && name.contains("vm_reload"))
            .await
    }
}

fn label(line: &str, name: &str) -> String {
    let start = format!("{name}=\"");
    let rest = line.split_once(&start).map_or("", |(_, rest)| rest);
    rest.split_once('"')
        .map_or("", |(value, _)| value)
        .to_owned()
}
