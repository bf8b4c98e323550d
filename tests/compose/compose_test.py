"""The integration checks against envoy/docker-compose.yaml. `make compose-test` runs them.

If no Docker engine answers, one line says so and the run fails; in CI (the variable CI is set) it
succeeds, because not every runner has an engine.
"""

import base64
import hashlib
import http.client
import json
import os
import signal
import ssl
import sys
import time
import unittest
import urllib.error
import urllib.request

from stack import Stack, Unavailable

STACK = None
# An Envoy has a new setting well within a second; slow machines get more time.
SECONDS_TO_REACH_ENVOY = 5


class ComposeTest(unittest.TestCase):
    def connect(self, certificate=True):
        return connect(self, STACK.https_port, certificate)

    def test_the_first_request_of_a_connection_carries_the_certificate_and_the_second_does_not(self):
        connection = self.connect()
        self.assertEqual(certificate_headers(get(connection, "api.example.com")), expected_headers())
        self.assertEqual(certificate_headers(get(connection, "api.example.com")), [])
        self.assertEqual(certificate_headers(get(self.connect(), "api.example.com")), expected_headers())

    def test_every_request_carries_the_certificate_where_the_setting_says_so(self):
        connection = self.connect()
        for _ in range(2):
            self.assertEqual(certificate_headers(get(connection, "other.example.com")), expected_headers())

    def test_a_client_can_not_speak_for_the_filter(self):
        spoofed = {"Cf-Client-Cert-Sha256": "0" * 64, "cf_client_cert_der_base64": "AAAA", "X-Kept": "kept"}
        for certificate, expected in [(True, expected_headers()), (False, [])]:
            headers = get(self.connect(certificate), "api.example.com", spoofed)
            self.assertEqual(certificate_headers(headers), expected)
            self.assertIn(["x-kept", "kept"], headers)

    def test_a_client_without_a_certificate_is_served_without_one(self):
        self.assertEqual(certificate_headers(get(self.connect(certificate=False), "api.example.com")), [])

    def test_a_hostname_without_a_setting_gets_no_certificate(self):
        self.assertEqual(certificate_headers(get(self.connect(), "api.example.org")), [])

    def test_the_counters_have_the_hostname_and_the_outcome_as_labels(self):
        counter = 'client_cert_forwarder_requests{hostname="api.example.com",outcome="forwarded"}'
        before = metrics().get(counter, 0)
        get(self.connect(), "api.example.com")
        self.assertEqual(metrics()[counter], before + 1)

    def test_the_published_admin_interface_can_not_stop_envoy(self):
        with self.assertRaises(urllib.error.HTTPError) as refused:
            admin("/quitquitquit", data=b"")
        self.assertEqual(refused.exception.code, 403)


class SettingsApiTest(unittest.TestCase):
    """The profile settings-api, in addition to the services without a profile."""

    EMAIL = "me@example.com"
    ZONE = "023e105f4ecef8ad9ca31a8372d0c353"

    @classmethod
    def setUpClass(cls):
        STACK.add_profiles()

    def test_what_is_put_reaches_the_running_envoy_and_is_kept(self):
        self.assertEqual(self.forwarded(), [])
        key = create_key(self.EMAIL, self.ZONE)
        # The body in Cloudflare's documentation, with this hostname.
        setting = {"hostname": "api.example.com", "china_network": False, "client_certificate_forwarding": True}
        status, answer = self.settings(key, "PUT", {"settings": [setting]})
        put = time.monotonic()
        self.assertEqual((status, answer["result"]), (202, [setting]))
        while (headers := self.forwarded()) != expected_headers():
            self.assertEqual(headers, [])
            self.assertLess(time.monotonic(), put + SECONDS_TO_REACH_ENVOY, "Envoy has not got the setting")
            time.sleep(0.05)
        print(f"forwarded {time.monotonic() - put:.2f} s after the PUT ... ", end="", flush=True)

        STACK.recreate_settings_api()
        status, answer = self.settings(key, "GET")
        self.assertEqual((status, answer["result"]), (200, [setting]))
        self.assertEqual(self.forwarded(), expected_headers())

    def forwarded(self):
        """Returns the certificate headers of the first request of a new connection."""
        return certificate_headers(get(connect(self, STACK.settings_api_https_port), "api.example.com"))

    def settings(self, key, method, body=None):
        """Returns the status and the JSON of the API's answer."""
        connection = http.client.HTTPConnection("127.0.0.1", STACK.settings_api_port, timeout=10)
        self.addCleanup(connection.close)
        headers = {"X-Auth-Email": self.EMAIL, "X-Auth-Key": key, "Content-Type": "application/json"}
        path = f"/client/v4/zones/{self.ZONE}/access/certificates/settings"
        connection.request(method, path, body=body and json.dumps(body), headers=headers)
        response = connection.getresponse()
        return response.status, json.load(response)


class FastPathTest(unittest.TestCase):
    """The profile fast-path, in addition to the services without a profile."""

    @classmethod
    def setUpClass(cls):
        STACK.add_profiles()

    def test_the_settings_of_the_first_envoy_are_carried_out(self):
        connection = connect(self, STACK.fast_path_https_port)
        for hostname, expected in [
            ("api.example.com", [expected_headers(), [], []]),
            ("other.example.com", [expected_headers()] * 3),
            ("api.example.org", [[], [], []]),
        ]:
            spoofed = {"Cf-Client-Cert-Sha256": "0" * 64, "cf_client_cert_der_base64": "AAAA"}
            seen = [certificate_headers(get(connection, hostname, spoofed)) for _ in range(3)]
            self.assertEqual(seen, expected, hostname)


def connect(test, port, certificate=True):
    """Opens a connection that is closed at the end of the test."""
    context = ssl.create_default_context(cafile=STACK.tls / "ca.crt")
    if certificate:
        context.load_cert_chain(STACK.tls / "client.crt", STACK.tls / "client.key")
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=10)
    test.addCleanup(connection.close)
    return connection


def create_key(email, zone):
    """Creates a token by the program in its own container and returns the secret."""
    options = ["--name", "compose-test", "--email", email, "--zone", zone, "--permission", "write"]
    command = ["settings-api", "token", "create", "--tokens", "/var/lib/settings-api/tokens.json", *options]
    return STACK.output("exec", "-T", "settings-api", *command).strip()


def get(connection, hostname, headers=None):
    """Sends a request; returns the headers that the origin received, names in lower case."""
    connection.request("GET", "/", headers={"Host": hostname, **(headers or {})})
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        raise AssertionError(f"{hostname} answered {response.status}: {body}")
    return [[name.lower(), value] for name, value in json.loads(body)]


def certificate_headers(headers):
    """Returns the headers that only the filter may set, in any spelling."""
    return sorted(
        [name, value] for name, value in headers if name.replace("_", "-").replace(".", "-").startswith("cf-client-cert-")
    )


def expected_headers():
    der = ssl.PEM_cert_to_DER_cert((STACK.tls / "client.crt").read_text())
    return [
        ["cf-client-cert-der-base64", base64.b64encode(der).decode()],
        ["cf-client-cert-sha256", hashlib.sha256(der).hexdigest()],
    ]


def metrics():
    """Returns Envoy's counters by name and labels."""
    samples = (line.rsplit(" ", 1) for line in admin("/stats/prometheus").splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, value in samples}


def admin(path, data=None):
    with urllib.request.urlopen(f"http://127.0.0.1:{STACK.admin_port}{path}", data=data, timeout=10) as response:
        return response.read().decode()


def main():
    global STACK
    # SIGTERM must take the stack down too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        STACK = Stack()
    except Unavailable as missing:
        if os.environ.get("CI"):
            print(f"compose-test: NOT RUN, which CI lets pass: {missing}")
            return 0
        print(f"compose-test: {missing}", file=sys.stderr)
        return 1
    with STACK:
        passed = unittest.main(exit=False, verbosity=2).result.wasSuccessful()
        if not passed:
            STACK.print_logs()
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
