# Terraform with Cloudflare's provider 5, for the settings API: docs/terraform.md.
provider "cloudflare" {
  base_url  = "https://settings.example.com/client/v4"
  api_token = var.settings_api_token
}

resource "cloudflare_zero_trust_access_mtls_hostname_settings" "edge" {
  zone_id = "023e105f4ecef8ad9ca31a8372d0c353"
  settings = [{
    hostname                      = "api.example.com"
    china_network                 = false
    client_certificate_forwarding = true
  }]
}
