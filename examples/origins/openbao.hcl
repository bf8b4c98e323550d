# OpenBao's listener, with the recipe openbao. Envoy's connection manager needs
# use_remote_address: true, or requests arrive without X-Forwarded-For and are refused.
listener "tcp" {
  # Loopback: on this machine, Envoy alone can reach it.
  address     = "127.0.0.1:8200"
  tls_disable = true

  # Certificates count from these addresses alone, and requests from others are refused.
  x_forwarded_for_authorized_addrs      = "127.0.0.1/32"
  x_forwarded_for_reject_not_present    = true
  x_forwarded_for_reject_not_authorized = true

  x_forwarded_for_client_cert_header   = "Client-Cert"
  x_forwarded_for_client_cert_decoders = ["RFC9440"]
}
