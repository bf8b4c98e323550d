//! A whole Envoy around the filters.

use client_cert_forwarder::config::Config;
use client_cert_forwarder::config::compiled::VerifiedBy;

use crate::arguments::Filters;

/// Columns before the HTTP filters in [`TEMPLATE`].
const INDENT: usize = 18;

/// Writes a bootstrap; `filters` is a YAML list.
pub(super) fn yaml(command: &Filters, config: &Config, filters: &str) -> String {
    let enforces = config
        .settings
        .iter()
        .any(|setting| setting.require_client_certificate);
    let resumption = match config.verified_by {
        VerifiedBy::Attribute => RESUMPTION_OFF,
        VerifiedBy::Listener => "",
    };
    TEMPLATE
        .replace("{REQUIRE}", if enforces { SOME } else { ALL })
        .replace("{RESUMPTION}", resumption)
        .replace("{CHAIN}", if config.chain_from_xfcc { CHAIN } else { "" })
        .replace("{TLS}", command.tls.trim_end_matches('/'))
        .replace("{FILTERS}", &indented(filters))
}

fn indented(text: &str) -> String {
    let margin = " ".repeat(INDENT);
    let lines = text.lines().map(|line| match line {
        "" => "\n".to_owned(),
        line => format!("{margin}{line}\n"),
    });
    lines.collect()
}

const ALL: &str = r"              # Clients without a certificate are refused; false serves them too.
              require_client_certificate: true
";
const SOME: &str = r"              # The filter decides by hostname who needs a certificate.
              require_client_certificate: false
";
/// Envoy reports the certificates of resumed sessions as unverified.
const RESUMPTION_OFF: &str = r"              # Certificates of resumed sessions would count as unverified.
              disable_stateless_session_resumption: true
              disable_stateful_session_resumption: true
";
const CHAIN: &str = r#"                # The certificate chain, for "certificate_chain_source": "xfcc".
                forward_client_cert_details: SANITIZE_SET
                set_current_client_cert_details: { chain: true }
"#;

const TEMPLATE: &str = r#"# An Envoy with the client certificate forwarder: mTLS on port 8443, HTTP/1.1
# and HTTP/2, an origin on port 8080. Made by `ccf filters --bootstrap`.
admin:
  address: { socket_address: { address: 127.0.0.1, port_value: 9901 } }

# Turns the names of the filter's counters into labels:
# client_cert_forwarder_requests{hostname="…",outcome="…"} in /stats/prometheus.
stats_config:
  stats_tags:
    - { tag_name: hostname, regex: "(hostname=(.+?);\\.)" }
    - { tag_name: outcome, regex: "(outcome=(.+?);\\.)" }

static_resources:
  listeners:
    - name: https
      address: { socket_address: { address: 0.0.0.0, port_value: 8443 } }
      # Provides the SNI, which "sni_must_match" needs.
      listener_filters:
        - name: envoy.filters.listener.tls_inspector
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector
      filter_chains:
        - transport_socket:
            name: envoy.transport_sockets.tls
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
{REQUIRE}{RESUMPTION}              common_tls_context:
                alpn_protocols: [h2, http/1.1]
                tls_certificates:
                  - certificate_chain: { filename: "{TLS}/server.crt" }
                    private_key: { filename: "{TLS}/server.key" }
                validation_context:
                  # The CA of the clients' certificates.
                  trusted_ca: { filename: "{TLS}/client-ca.crt" }
          filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: https
{CHAIN}                access_log:
                  - name: envoy.access_loggers.stdout
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog
                route_config:
                  virtual_hosts:
                    - name: origin
                      domains: ["*"]
                      routes:
                        - match: { prefix: "/" }
                          route: { cluster: origin }
                http_filters:
{FILTERS}                  - name: envoy.filters.http.router
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router

  clusters:
    - name: origin
      type: STRICT_DNS
      connect_timeout: 5s
      load_assignment:
        cluster_name: origin
        endpoints:
          - lb_endpoints:
              - endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: 8080 } } }
"#;
