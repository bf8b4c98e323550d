// An origin in Node.js 18 and later, without a package: answers with the client's certificate.
import { createServer } from "node:http";
import { X509Certificate } from "node:crypto";

/** The client's certificate, or null when the request carries none. */
export function clientCertificate(request) {
  const der = request.headers["cf-client-cert-der-base64"];
  return der ? new X509Certificate(Buffer.from(der, "base64")) : null;
}

const server = createServer((request, response) => {
  const certificate = clientCertificate(request);
  if (certificate === null) {
    response.writeHead(401, { "content-type": "application/json" }).end('{"error":"no client certificate"}');
    return;
  }
  response.writeHead(200, { "content-type": "application/json" }).end(
    JSON.stringify({
      sha256: certificate.fingerprint256.replaceAll(":", "").toLowerCase(),
      serial: certificate.serialNumber,
      subject: request.headers["x-client-subject"],
    }),
  );
});

// Loopback: on this machine, Envoy alone can reach it.
server.listen(Number(process.env.PORT ?? 8080), "127.0.0.1");
