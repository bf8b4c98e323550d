//! What the filter does to a response (contract §4.9).

use crate::config::Config;
use crate::config::compiled::Setting;
use crate::filter;
use crate::header_map::HeaderMap;
use crate::hostcalls::{Hostcalls, Map};
use crate::peer_certificate;

/// Sets the setting's response headers, widens `Vary` where it names the certificate, and explains.
pub fn set_response_headers(
    envoy: &impl Hostcalls,
    config: &Config,
    setting: Option<&Setting>,
    explanations: impl Iterator<Item = &'static str>,
) {
    if let Some(setting) = setting.filter(|setting| !setting.response_headers.is_empty()) {
        let record = peer_certificate::record(envoy, config, None);
        let sent = filter::may_send(setting, &record);
        for header in &setting.response_headers {
            let value = filter::value(header, &record, sent);
            if value.is_empty() {
                envoy.remove_header(Map::ResponseHeaders, header.name.as_bytes());
            } else {
                envoy.set_header(Map::ResponseHeaders, &header.name, value);
            }
        }
    }
    if config.sends_rfc9440 && varies_on_certificate(envoy) {
        envoy.set_header(Map::ResponseHeaders, "vary", b"*");
    }
    if config.explain {
        let hostname = setting
            .map(|setting| format!("; hostname=\"{}\"", setting.hostname))
            .unwrap_or_default();
        let items: Vec<String> = explanations
            .map(|explanation| format!("{explanation}{hostname}"))
            .collect();
        envoy.set_header(Map::ResponseHeaders, EXPLAIN, items.join(", ").as_bytes());
    }
}

const EXPLAIN: &str = "client-cert-forwarder";

/// RFC 9440 §2.4: caches between the filter and the client can't tell responses apart by a header that only the origin sees.
fn varies_on_certificate(envoy: &impl Hostcalls) -> bool {
    let bytes = envoy.headers(Map::ResponseHeaders);
    let headers = bytes.as_deref().and_then(HeaderMap::parse);
    headers
        .into_iter()
        .flat_map(HeaderMap::iter)
        .filter(|(name, _)| name.eq_ignore_ascii_case(b"vary"))
        .any(|(_, value)| {
            value
                .split(|byte| *byte == b',')
                .map(<[u8]>::trim_ascii)
                .any(|name| {
                    name.eq_ignore_ascii_case(b"client-cert")
                        || name.eq_ignore_ascii_case(b"client-cert-chain")
                })
        })
}
