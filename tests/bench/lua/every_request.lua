-- Forwards the client certificate on every request, as Cloudflare's headers do.
local HOSTS = { --HOSTS-- }

-- PEM to one line of base64 costs more than a table: once per certificate, and not for ever.
local encoded, count = {}, 0

local function der_base64(digest, ssl)
  local value = encoded[digest]
  if value == nil then
    local pem = string.gsub(ssl:urlEncodedPemEncodedPeerCertificate(), "%%(%x%x)", function(hex)
      return string.char(tonumber(hex, 16))
    end)
    value = string.gsub(string.match(pem, "^%-%-%-%-%-BEGIN CERTIFICATE%-%-%-%-%-(.-)%-%-%-%-%-END"), "%s", "")
    if count >= 1000 then
      encoded, count = {}, 0
    end
    encoded[digest], count = value, count + 1
  end
  return value
end

function envoy_on_request(handle)
  local headers = handle:headers()
  headers:remove("cf_client_cert_der_base64")
  headers:remove("cf_client_cert_sha256")
  local ssl = HOSTS[headers:get(":authority")] and handle:streamInfo():downstreamSslConnection()
  if not ssl or not ssl:peerCertificatePresented() then
    headers:remove("cf-client-cert-der-base64")
    headers:remove("cf-client-cert-sha256")
    return
  end
  local digest = ssl:sha256PeerCertificateDigest()
  -- Takes the place of whatever the client sent under the name.
  headers:replace("cf-client-cert-der-base64", der_base64(digest, ssl))
  headers:replace("cf-client-cert-sha256", digest)
end
