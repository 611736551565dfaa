#!/usr/bin/env python3
"""Makes github-webhooks.json.xz from the npm package it comes from.

    npm pack @octokit/webhooks-examples@7.6.1
    tests/data/make_github_webhooks.py octokit-webhooks-examples-7.6.1.tgz

What is kept: the name and the examples of each kind of event, in their order. What is dropped: the
descriptions and the lists of properties, and the payloads of GitHub Enterprise Server. The outcome
is the same byte for byte on every machine with the same version of liblzma.
"""

import base64
import hashlib
import json
import lzma
import pathlib
import sys
import tarfile

# `npm view @octokit/webhooks-examples@7.6.1 dist.integrity`
INTEGRITY = "sha512-De6U3XB6O3DtCa7bKgCMzTHdeopqqZ6SNivMYJnK65ierKL1AnNIA0tkRYCRS7lwGT792d+Ps1WbfHlso6MynQ=="
TARGET = pathlib.Path(__file__).with_name("github-webhooks.json.xz")


def main(archive: str) -> None:
    packed = pathlib.Path(archive).read_bytes()
    found = "sha512-" + base64.b64encode(hashlib.sha512(packed).digest()).decode()
    if found != INTEGRITY:
        sys.exit(f"{archive}: its integrity is {found}, expected {INTEGRITY}")
    with tarfile.open(archive) as tar:
        index = json.load(tar.extractfile("package/api.github.com/index.json"))
    kept = [{"name": kind["name"], "examples": kind["examples"]} for kind in index]
    text = json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()
    TARGET.write_bytes(lzma.compress(text, preset=9 | lzma.PRESET_EXTREME))
    examples = sum(len(kind["examples"]) for kind in kept)
    print(
        f"{TARGET}: {len(kept)} kinds of event, {examples} examples, {TARGET.stat().st_size} bytes"
    )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
