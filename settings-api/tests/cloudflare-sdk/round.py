"""Does with Cloudflare's official SDK, responses strictly validated, what its users do; any difference is an exception."""

import os

import cloudflare
from cloudflare import Cloudflare

BASE_URL, ZONE, ACCOUNT = os.environ["BASE_URL"], os.environ["ZONE"], os.environ["ACCOUNT"]


def client(**credentials):
    return Cloudflare(base_url=BASE_URL, max_retries=0, _strict_response_validation=True, **credentials)


def settings_of(**credentials):
    return client(**credentials).zero_trust.access.certificates.settings


def setting(hostname, forwarding=True):
    return {"hostname": hostname, "china_network": False, "client_certificate_forwarding": forwarding}


def entries(page):
    return [(entry.hostname, entry.china_network, entry.client_certificate_forwarding) for entry in page]


def refused(kind, code, call):
    try:
        call()
    except kind as error:
        found = [entry["code"] for entry in error.body["errors"]]
        assert found == [code], found
    else:
        raise AssertionError(f"{code}: not refused")


by_token = settings_of(api_token=os.environ["TOKEN"])
by_key = settings_of(api_email=os.environ["EMAIL"], api_key=os.environ["KEY"])
stranger = settings_of(api_token="x" * 40)

one = [("api.example.com", False, True)]
assert entries(by_token.update(zone_id=ZONE, settings=[setting("api.example.com")])) == one
assert entries(by_key.get(zone_id=ZONE)) == one
assert entries(by_key.update(zone_id=ZONE, settings=[])) == one
both = one + [("www.example.com", False, True)]
assert entries(by_key.update(zone_id=ZONE, settings=[setting("www.example.com")])) == both
assert entries(by_token.update(zone_id=ZONE, settings=[setting("api.example.com", False)])) == both[1:]
assert entries(by_token.update(account_id=ACCOUNT, settings=[setting("a.example.org")])) == [("a.example.org", False, True)]
assert entries(by_token.get(account_id=ACCOUNT)) == [("a.example.org", False, True)]
assert entries(by_token.get(zone_id=ZONE)) == both[1:]

refused(cloudflare.BadRequestError, 12036, lambda: by_token.update(zone_id=ZONE, settings=[setting("a.example.net")]))
refused(cloudflare.BadRequestError, 12130, lambda: by_token.update(zone_id=ZONE, settings=[setting("a..example.com")]))
refused(cloudflare.PermissionDeniedError, 10000, lambda: stranger.get(zone_id=ZONE))

finder = client(api_token=os.environ["TOKEN"])
assert finder.user.tokens.verify().status == "active"
assert {zone.name for zone in finder.zones.list()} == {"example.com", "example.org"}
assert [zone.id for zone in finder.zones.list(name="example.com")] == [ZONE]
found = finder.zones.get(zone_id=ZONE)
assert (found.name, found.status, found.account.id) == ("example.com", "active", ACCOUNT)
