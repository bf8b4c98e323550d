# Terraform with Cloudflare's provider 5: base_url is the only change.
provider "cloudflare" {
  api_token = var.settings_api_token
  base_url  = "https://settings-api.internal.example.com:8787/client/v4"
}

resource "cloudflare_zero_trust_access_mtls_hostname_settings" "api" {
  zone_id = var.zone_id
  settings = [{
    hostname                      = "api.example.com"
    china_network                 = false
    client_certificate_forwarding = true
  }]
}
