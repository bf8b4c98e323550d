<?php
// An origin in PHP 8: php -S 127.0.0.1:8080 origin.php
// The same code works behind PHP-FPM, which fills $_SERVER in the same way.

/** The DER of the client's certificate, or null when the request carries none. */
function client_certificate(): ?string
{
    $der = base64_decode($_SERVER['HTTP_CF_CLIENT_CERT_DER_BASE64'] ?? '', true);
    return $der === false || $der === '' ? null : $der;
}

header('content-type: application/json');
$der = client_certificate();
if ($der === null) {
    http_response_code(401);
    echo '{"error":"no client certificate"}';
    return;
}
// With the openssl extension: openssl_x509_parse() of this PEM.
$pem = "-----BEGIN CERTIFICATE-----\n" . chunk_split(base64_encode($der), 64, "\n") . "-----END CERTIFICATE-----\n";
echo json_encode([
    'sha256' => hash('sha256', $der),
    'subject' => $_SERVER['HTTP_X_CLIENT_SUBJECT'] ?? null,
    'serial' => extension_loaded('openssl') ? openssl_x509_parse($pem)['serialNumberHex'] : null,
]);
