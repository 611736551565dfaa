"""scripts/check-includes refuses an include that points up, and lets one that points down pass."""

import pathlib
import subprocess

import pytest

CHECK = pathlib.Path(__file__).parents[2] / "scripts" / "check-includes"


def check(top, file, include):
    path = top / file
    path.parent.mkdir(parents=True)
    path.write_text(f"#include {include}\n")
    return subprocess.run([CHECK, top], text=True, capture_output=True, check=False)


@pytest.mark.parametrize("file, include", [
    ("server/store/memory/memory_store.cc", '"server/broker/group.h"'),
    ("server/store/stream_store.h", '"server/store/memory/memory_store.h"'),
    ("server/broker/group.cc", '"server/rpc/subscribe.h"'),
    ("server/broker/group.cc", "<grpcpp/grpcpp.h>"),
    ("server/broker/group.cc", '"eventbus/v1/broker.pb.h"'),
    ("server/rpc/publish.cc", '"server/store/stream_store.h"'),
    ("server/broker/group.cc", "<uv.h>"),
    ("server/rpc/publish.cc", "<prometheus/counter.h>"),
    ("server/store/memory/memory_store.cc", "<hiredis/async.h>"),
    ("client/cpp/client.cc", '"server/broker/pattern.h"'),
])
def test_refuses(tmp_path, file, include):
    result = check(tmp_path, file, include)
    assert result.returncode == 1
    assert f"{file}:1: " in result.stdout


@pytest.mark.parametrize("file, include", [
    ("server/rpc/publish.cc", '"server/broker/publisher.h"'),
    ("server/rpc/publish.cc", "<grpcpp/grpcpp.h>"),
    ("server/broker/group.cc", '"server/store/stream_store.h"'),
    ("server/store/memory/memory_store.cc", '"server/store/stream_store.h"'),
    ("server/loop/timer.cc", "<uv.h>"),
    ("server/main.cc", '"server/daemon/daemon.h"'),
    ("client/cli/main.cc", '"client/cpp/client.h"'),
])
def test_accepts(tmp_path, file, include):
    result = check(tmp_path, file, include)
    assert result.returncode == 0, result.stdout
