"""Validates crates by roc-validator, without network access.

Arguments: the minimum severity, and the crates. Prints one line of JSON for each crate: the number of checks, and the issues as
[check, severity, message].
"""

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import requests
from requests.adapters import BaseAdapter
from rocrate_validator.models import Severity, ValidationSettings
from rocrate_validator.services import validate
from rocrate_validator.utils.http import HttpRequester


TERMS = "https://w3id.org/ro/terms/workflow-run"
WORKFLOW_RUN_TERMS = [
    "ContainerImage",
    "DockerImage",
    "SIFImage",
    "containerImage",
    "environment",
    "registry",
    "resourceUsage",
    "sha256",
    "tag",
]


def contexts():
    """The two JSON-LD contexts of a crate: that of RO-Crate 1.1, from the package rocrate, and the terms of the profile."""
    package = Path(find_spec("rocrate").origin).parent
    base = json.loads((package / "data" / "ro-crate.jsonld").read_text(encoding="utf-8"))
    if base["version"] != "1.1.0":
        raise SystemExit(f"the package rocrate has the context of version {base['version']} instead of 1.1.0")
    terms = {term: f"{TERMS}#{term}" for term in WORKFLOW_RUN_TERMS}
    return {"https://w3id.org/ro/crate/1.1/context": base, f"{TERMS}/context": {"@context": terms}}


class Held(BaseAdapter):
    """Answers GETs of the known URLs with their documents, and of all other URLs with 404."""

    def __init__(self, documents):
        super().__init__()
        self.documents = documents

    def send(self, request, **_):
        answer = requests.Response()
        document = self.documents.get(request.url)
        answer.status_code = 404 if document is None else 200
        answer.url = request.url
        answer.request = request
        answer.headers["Content-Type"] = "application/ld+json"
        answer._content = b"" if document is None else json.dumps(document).encode()
        return answer

    def close(self):
        pass


def hold(documents):
    initialize = HttpRequester.initialize_cache

    def initialized(*_, **__):
        requester = initialize(no_cache=True)
        for scheme in ("http://", "https://"):
            requester.session.mount(scheme, Held(documents))
        return requester

    HttpRequester.initialize_cache = initialized


_, severity, *crates = sys.argv
hold(contexts())
for crate in crates:
    result = validate(
        ValidationSettings(
            rocrate_uri=crate,
            profile_identifier="process-run-crate",
            requirement_severity=Severity[severity],
            no_cache=True,
        )
    )
    issues = [[one.check.identifier, one.severity.name, one.message] for one in result.get_issues()]
    print(json.dumps({"checks": len(result.executed_checks), "issues": issues}))
