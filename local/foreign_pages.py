"""Refuses requests of foreign web pages to the AWS emulator.

The emulator checks no credentials and allows every origin, so any page in a browser of this machine could create and run a function
there. The rule is that of src/shared/foreign-requests.ts: the host must be a name of this machine, which DNS cannot assign to others,
and a browser must send the request from a page of the same host.
"""

import json
import os
import re

_LOCAL_HOST = re.compile(
    r"(?:localhost|[\w.-]+\.localhost|127(?:\.\d{1,3}){3}|\[::1\]|host\.(?:docker|containers)\.internal)\.?(?::\d{1,5})?",
    re.ASCII | re.IGNORECASE,
)
_OWN_SITES = {"same-origin", "none"}
# Further host names, separated by commas.
_KNOWN_HOSTS = {host.strip().lower() for host in os.environ.get("KNOWN_HOSTS", "").split(",")} - {""}


def _is_known(host: str) -> bool:
    return _LOCAL_HOST.fullmatch(host) is not None or re.sub(r"\.?(?::\d{1,5})?$", "", host) in _KNOWN_HOSTS


def is_foreign(headers: list[tuple[bytes, bytes]]) -> bool:
    """Whether a browser sent the request from a page of another host, or used a name that is not this machine's."""

    def values(name: bytes) -> list[str]:
        return [value.decode("latin-1").strip().lower() for key, value in headers if key.lower() == name]

    hosts = values(b"host")
    if len(hosts) != 1 or not _is_known(hosts[0]):
        return True
    if any(origin not in (f"http://{hosts[0]}", f"https://{hosts[0]}") for origin in values(b"origin")):
        return True
    return any(site not in _OWN_SITES for site in values(b"sec-fetch-site"))


def refusing_foreign_pages(app):
    """Wraps an ASGI application, so that foreign pages get 403."""

    async def guarded(scope, receive, send):
        if scope["type"] not in ("http", "websocket") or not is_foreign(scope["headers"]):
            await app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            text = "only programs of this machine may call the emulator, by a name of this machine: web pages may not"
            await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"application/json")]})
            await send({"type": "http.response.body", "body": json.dumps({"message": text}).encode()})

    return guarded
