"""An origin for any WSGI server, with Python's standard library alone."""

import base64
import hashlib
import json
import os
from wsgiref.simple_server import make_server


def client_certificate(environ):
    """The DER of the client's certificate, or None when the request carries none."""
    value = environ.get("HTTP_CF_CLIENT_CERT_DER_BASE64")
    return base64.b64decode(value, validate=True) if value else None


def application(environ, start_response):
    der = client_certificate(environ)
    if der is None:
        start_response("401 Unauthorized", [("content-type", "application/json")])
        return [b'{"error": "no client certificate"}']
    answer = {
        "sha256": hashlib.sha256(der).hexdigest(),
        "subject": environ.get("HTTP_X_CLIENT_SUBJECT"),
    }
    start_response("200 OK", [("content-type", "application/json")])
    return [json.dumps(answer).encode()]


if __name__ == "__main__":
    # Loopback: on this machine, Envoy alone can reach it.
    make_server("127.0.0.1", int(os.environ.get("PORT", "8080")), application).serve_forever()
