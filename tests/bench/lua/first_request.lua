-- Forwards the client certificate once per connection, which a script knows by its remote address.
local HOSTS = { --HOSTS-- }

-- Two generations, so that addresses are forgotten in the end.
local seen, earlier, count = {}, {}, 0

local function is_first(address)
  if seen[address] or earlier[address] then
    return false
  end
  if count >= 10000 then
    seen, earlier, count = {}, seen, 0
  end
  seen[address], count = true, count + 1
  return true
end

local function der_base64(ssl)
  local pem = string.gsub(ssl:urlEncodedPemEncodedPeerCertificate(), "%%(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end)
  return (string.gsub(string.match(pem, "^%-%-%-%-%-BEGIN CERTIFICATE%-%-%-%-%-(.-)%-%-%-%-%-END"), "%s", ""))
end

function envoy_on_request(handle)
  local headers = handle:headers()
  headers:remove("cf-client-cert-der-base64")
  headers:remove("cf-client-cert-sha256")
  headers:remove("cf_client_cert_der_base64")
  headers:remove("cf_client_cert_sha256")
  if not HOSTS[headers:get(":authority")] then
    return
  end
  local info = handle:streamInfo()
  if not is_first(info:downstreamDirectRemoteAddress()) then
    return
  end
  local ssl = info:downstreamSslConnection()
  if ssl and ssl:peerCertificatePresented() then
    headers:add("cf-client-cert-der-base64", der_base64(ssl))
    headers:add("cf-client-cert-sha256", ssl:sha256PeerCertificateDigest())
  end
end
