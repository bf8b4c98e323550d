//! Configurations of the other proxies, by their manuals: mTLS, the client's own headers removed,
//! the certificate forwarded to the origin.

use std::{net::SocketAddr, path::Path};

use crate::load::HOST;

/// The name under which nginx sends the fingerprint that it has (SHA-1).
pub(crate) const FINGERPRINT: &str = "cf-client-cert-sha1";

/// When the certificate is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// On the first request of a connection.
    FirstRequest,
    /// On every request.
    EveryRequest,
}

impl Mode {
    /// As the table says it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Mode::FirstRequest => "first request",
            Mode::EveryRequest => "every request",
        }
    }
}

/// nginx: `proxy_set_header` replaces the client's header; an empty value sends none.
pub(crate) fn nginx(folder: &Path, listen: SocketAddr, origin: SocketAddr, mode: Mode) -> String {
    let folder = folder.display();
    let temporary_folders: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("  {kind}_temp_path {folder}/{kind};\n"))
        .concat();
    let (first, other) = match mode {
        Mode::FirstRequest => ("1", "\"\""),
        Mode::EveryRequest => ("~.", "\"\""),
    };
    format!(
        "daemon off;
master_process off;
pid {folder}/pid;
events {{ worker_connections 2048; }}
http {{
  access_log off;
{temporary_folders}
  map $connection_requests $certificate {{ {first} $ssl_client_escaped_cert; default {other}; }}
  map $connection_requests $fingerprint {{ {first} $ssl_client_fingerprint; default {other}; }}
  upstream origin {{ server {origin}; keepalive 64; keepalive_requests 1000000000; }}
  server {{
    listen {listen} ssl;
    server_name {HOST};
    keepalive_requests 1000000000;
    ssl_protocols TLSv1.3;
    ssl_certificate {folder}/server.crt;
    ssl_certificate_key {folder}/server.key;
    ssl_client_certificate {folder}/ca.crt;
    ssl_verify_client on;
    location / {{
      proxy_http_version 1.1;
      proxy_set_header Connection \"\";
      proxy_set_header Host $host;
      proxy_set_header Cf-Client-Cert-Der-Base64 $certificate;
      proxy_set_header {FINGERPRINT} $fingerprint;
      proxy_pass http://origin;
    }}
  }}
}}
"
    )
}

/// HAProxy: `del-header` takes every spelling away, then the certificate is set.
pub(crate) fn haproxy(folder: &Path, listen: SocketAddr, origin: SocketAddr, mode: Mode) -> String {
    let folder = folder.display();
    let condition = match mode {
        Mode::FirstRequest => "if { http_first_req }",
        Mode::EveryRequest => "",
    };
    format!(
        "global
  nbthread 1
  maxconn 2000
defaults
  mode http
  timeout connect 5s
  timeout client 10m
  timeout server 10m
  timeout http-keep-alive 10m
frontend mtls
  bind {listen} ssl crt {folder}/server.pem ca-file {folder}/ca.crt verify required alpn http/1.1
  http-request del-header ^cf[-_.]client[-_.]cert[-_.] -m reg
  http-request set-header Cf-Client-Cert-Der-Base64 %[ssl_c_der,base64] {condition}
  http-request set-header Cf-Client-Cert-Sha256 %[ssl_c_der,sha2(256),hex,lower] {condition}
  default_backend origin
backend origin
  http-reuse always
  server origin {origin}
"
    )
}

/// Caddy: `header_up` replaces the client's header. It can't tell the first request.
pub(crate) fn caddy(folder: &Path, listen: SocketAddr, origin: SocketAddr) -> String {
    let folder = folder.display();
    let (address, port) = (listen.ip(), listen.port());
    format!(
        "{{
  admin off
  auto_https disable_redirects
}}
https://{HOST}:{port} {{
  bind {address}
  tls {folder}/server.crt {folder}/server.key {{
    client_auth {{
      mode require_and_verify
      trusted_ca_cert_file {folder}/ca.crt
    }}
  }}
  reverse_proxy {origin} {{
    header_up -Cf_Client_Cert_*
    header_up -cf_client_cert_*
    header_up Cf-Client-Cert-Der-Base64 {{http.request.tls.client.certificate_der_base64}}
    header_up Cf-Client-Cert-Sha256 {{http.request.tls.client.fingerprint}}
  }}
}}
"
    )
}
