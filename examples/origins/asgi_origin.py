"""An origin for any ASGI server: uvicorn --host 127.0.0.1 --port 8080 asgi_origin:application"""

import base64
import hashlib
import json


def client_certificate(scope):
    """The DER of the client's certificate, or None when the request carries none."""
    for name, value in scope["headers"]:
        if name == b"cf-client-cert-der-base64":
            return base64.b64decode(value, validate=True)
    return None


async def application(scope, receive, send):
    if scope["type"] != "http":
        return
    der = client_certificate(scope)
    if der is None:
        status, answer = 401, {"error": "no client certificate"}
    else:
        subject = dict(scope["headers"]).get(b"x-client-subject", b"").decode()
        status, answer = 200, {"sha256": hashlib.sha256(der).hexdigest(), "subject": subject}
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})
