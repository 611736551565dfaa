"""grpcurl, a client that is not ours, from the proto files alone and by reflection."""

import base64
import json
import subprocess

import pytest

from harness.bus import unique
from harness.stubs import PROTO
from harness.waiting import DEADLINE

HOW = {
    "proto files": [f"-import-path={PROTO}", "-proto=eventbus/v1/broker.proto"],
    "reflection": [],
}


@pytest.fixture(params=HOW)
def curl(request, grpcurl, shared_daemon):
    """curl(method, request, *flags) → the messages of the answer."""

    def call(method: str, message: dict, *flags: str) -> subprocess.Popen:
        command = [grpcurl, "-plaintext", *HOW[request.param], *flags, "-d", json.dumps(message)]
        command += [shared_daemon.address, f"eventbus.v1.EventBus/{method}"]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    return call


def messages(lines):
    """The JSON objects that follow each other in `lines`, each as soon as it is whole."""
    text = ""
    for line in lines:
        text += line
        if line.startswith("}"):
            yield json.loads(text)
            text = ""


def answer(process: subprocess.Popen) -> dict:
    out, err = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, err
    return json.loads(out)


def data_of(event: dict) -> bytes:
    # By reflection grpcurl shows the names of the proto: C++ servers do not send the JSON ones.
    return base64.b64decode(event.get("binaryData") or event["binary_data"])


def publish(curl, type_: str, data: bytes) -> dict:
    made = {"type": type_, "binaryData": base64.b64encode(data).decode()}
    return answer(curl("Publish", {"event": made}))["published"]


pytestmark = pytest.mark.timeout(600)  # Building grpcurl takes minutes, once.


def test_publishes(curl, shared_bus):
    type_ = unique("grpcurl")
    tail = shared_bus.tail(type_)
    published = publish(curl, type_, b"from grpcurl")
    assert published["stream"] == type_
    [delivery] = tail.take(1)
    assert (delivery.event.id, delivery.data) == (published["id"], b"from grpcurl")


@pytest.mark.parametrize("method", ["Subscribe", "Receive"])
@pytest.mark.parametrize("target", ["tail", "group"])
def test_subscribes(curl, method, target):
    """grpcurl half-closes at once; deliveries come all the same."""
    type_ = unique("grpcurl")
    for n in range(3):
        publish(curl, type_, b"%d" % n)
    wanted = {"patterns": [type_]} | ({"name": type_} if target == "group" else {})
    opening = {target: wanted, "start": {"earliest": {}}}
    process = curl(method, {"open": opening}, f"-max-time={DEADLINE}")
    got = []
    for message in messages(process.stdout):
        for batch in message.get("deliveries", {}).get("batches", []):
            got += [data_of(event) for event in batch["events"]]
        if len(got) >= 3:
            break
    process.kill()
    process.communicate()
    assert got == [b"0", b"1", b"2"]


def test_refusal_shows_its_details(curl):
    process = curl("Publish", {"event": {"type": "Bad Type!"}})
    _, err = process.communicate(timeout=DEADLINE)
    assert process.returncode != 0
    assert "InvalidArgument" in err
    assert "event.type" in err
    assert "google.rpc.BadRequest" in err and "google.rpc.ErrorInfo" in err
