"""Keeps the web pages of others away from the AWS emulator.

The emulator asks nobody for credentials and allows every origin, so that any page in a browser of this machine could put a function of its
own there and have it run. The rule is that of src/shared/foreign-requests.ts: no name but those of this machine, which DNS cannot give to
others, and no browser but on a page of the same host.
"""

import json
import os
import re

_LOCAL_HOST = re.compile(
    r"(?:localhost|[\w.-]+\.localhost|127(?:\.\d{1,3}){3}|\[::1\]|host\.(?:docker|containers)\.internal)\.?(?::\d{1,5})?",
    re.ASCII | re.IGNORECASE,
)
_OWN_SITES = {"same-origin", "none"}
# Hosts beside those, by commas.
_KNOWN_HOSTS = {host.strip().lower() for host in os.environ.get("KNOWN_HOSTS", "").split(",")} - {""}


def _is_known(host: str) -> bool:
    return _LOCAL_HOST.fullmatch(host) is not None or re.sub(r"\.?(?::\d{1,5})?$", "", host) in _KNOWN_HOSTS


def is_foreign(headers: list[tuple[bytes, bytes]]) -> bool:
    """Whether a browser sent this from a page of another host, or called this machine by a name that is not its own."""

    def values(name: bytes) -> list[str]:
        return [value.decode("latin-1").strip().lower() for key, value in headers if key.lower() == name]

    hosts = values(b"host")
    if len(hosts) != 1 or not _is_known(hosts[0]):
        return True
    if any(origin not in (f"http://{hosts[0]}", f"https://{hosts[0]}") for origin in values(b"origin")):
        return True
    return any(site not in _OWN_SITES for site in values(b"sec-fetch-site"))


def refusing_foreign_pages(app):
    """The same ASGI application, which answers 403 to foreign pages."""

    async def guarded(scope, receive, send):
        if scope["type"] not in ("http", "websocket") or not is_foreign(scope["headers"]):
            await app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            text = "only programs of this machine, by a name of this machine, may call the emulator: no web page"
            await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"application/json")]})
            await send({"type": "http.response.body", "body": json.dumps({"message": text}).encode()})

    return guarded
