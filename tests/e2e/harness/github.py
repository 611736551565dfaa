"""The webhook payloads in tests/data as events."""

import functools
import json
import lzma

from harness.bus import event
from harness.stubs import ROOT

_PAYLOADS = ROOT / "tests" / "data" / "github-webhooks.json.xz"


@functools.cache
def _payloads() -> tuple:
    return tuple(
        (kind["name"], example)
        for kind in json.loads(lzma.decompress(_PAYLOADS.read_bytes()))
        for example in kind["examples"]
    )


def _source(payload: dict) -> str:
    repository = payload.get("repository")
    if isinstance(repository, dict) and "html_url" in repository:
        return repository["html_url"]
    return "https://github.com"


def github_events() -> list:
    """All 329, in the order of the file, each with an id of its own."""
    return [
        event(
            ".".join(filter(None, ("github", name, payload.get("action")))),
            json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode(),
            id=f"webhook-{index}",
            source=_source(payload),
            attributes={"datacontenttype": "application/json"},
        )
        for index, (name, payload) in enumerate(_payloads())
    ]


def by_id(events) -> dict:
    """id → (type, source, data); asserts that no id comes twice."""
    found = {}
    for one in events:
        assert one.id not in found, f"{one.id} came twice"
        found[one.id] = (one.type, one.source, one.binary_data)
    return found
