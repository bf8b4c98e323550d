"""An origin that answers every request with its headers as JSON: a list of [name, value] pairs."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = json.dumps(self.headers.items(), indent=2).encode() + b"\n"
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Logs nothing: Envoy has the access log."""


class Server(ThreadingHTTPServer):
    # The default of 5 fills up quickly.
    request_queue_size = 128


if __name__ == "__main__":
    Server(("0.0.0.0", 8080), Echo).serve_forever()
