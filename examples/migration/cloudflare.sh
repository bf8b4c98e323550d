#!/usr/bin/env bash
# Turns forwarding on for one hostname, as with Cloudflare. CLOUDFLARE_API is
# https://api.cloudflare.com/client/v4 there, and http://127.0.0.1:8787/client/v4 with settings-api.
set -euo pipefail

curl --fail-with-body --silent --show-error \
    "$CLOUDFLARE_API/zones/$ZONE_ID/access/certificates/settings" --request PUT \
    --header "X-Auth-Email: $CLOUDFLARE_EMAIL" --header "X-Auth-Key: $CLOUDFLARE_API_KEY" \
    --json '{"settings": [{"hostname": "api.example.com", "china_network": false, "client_certificate_forwarding": true}]}'
