"""What operators rely on: health, reflection, metrics, exit codes, what is said at the start."""

import json
import re
import socket
import subprocess

import grpc
import pytest
from google.protobuf import descriptor_pool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from harness.bus import Bus, event
from harness.daemon import EVENTBUSD, check_sanitizer_reports, clean_environment
from harness.stubs import v1
from harness.waiting import DEADLINE, eventually, eventually_equal

SERVING = health_pb2.HealthCheckResponse.SERVING


def run(*arguments: str) -> subprocess.CompletedProcess:
    """Runs the daemon with flags that make it end by itself."""
    done = subprocess.run(
        [str(EVENTBUSD), *arguments],
        capture_output=True,
        text=True,
        env=clean_environment(),
        timeout=DEADLINE,
    )
    check_sanitizer_reports(done.stderr)
    return done


@pytest.mark.smoke
def test_health_serves(shared_bus):
    stub = health_pb2_grpc.HealthStub(shared_bus.channel)
    for service in ("", "eventbus.v1.EventBus"):
        request = health_pb2.HealthCheckRequest(service=service)
        assert stub.Check(request, timeout=DEADLINE).status == SERVING
    with pytest.raises(grpc.RpcError) as failure:
        stub.Check(health_pb2.HealthCheckRequest(service="no.such.Service"), timeout=DEADLINE)
    assert failure.value.code() == grpc.StatusCode.NOT_FOUND


def test_reflection_tells_services_and_messages(shared_bus):
    database = ProtoReflectionDescriptorDatabase(shared_bus.channel)
    assert {
        "eventbus.v1.EventBus",
        "eventbus.v1.EventBusAdmin",
        "grpc.health.v1.Health",
    } <= set(database.get_services())
    pool = descriptor_pool.DescriptorPool(database)
    for name in database.get_services():
        assert pool.FindServiceByName(name).methods, f"{name} can be described"
    service = pool.FindServiceByName("eventbus.v1.EventBus")
    assert {method.name for method in service.methods} >= {"Publish", "Subscribe", "Receive"}
    assert pool.FindMessageTypeByName("eventbus.v1.Event").fields_by_name["type"].number == 4


def test_http_endpoints_answer(shared_daemon):
    assert shared_daemon.http("/healthz") == (200, "ok\n")
    assert shared_daemon.http("/readyz") == (200, "ready\n")
    assert shared_daemon.http("/nothing-here")[0] == 404
    status, text = shared_daemon.http("/metrics")
    assert status == 200
    assert re.search(r"^# TYPE eventbus_published_events_total counter$", text, re.MULTILINE)


def test_metrics_count_a_known_workload(daemon, bus, store_kind):
    member, tail = bus.group("g", "a.*"), bus.tail("a.*")
    bus.publish_batch([event("a.b", b"x" * 100)] * 60)
    bus.publish_batch([event("a.c", b"x" * 100)] * 40)
    with pytest.raises(grpc.RpcError):
        bus.publish("Bad Type!")
    taken = member.take(100)
    tail.take(100)
    member.settled(ack=[one.number for one in taken[:70]])
    member.round_trip()

    expected = {
        ("eventbus_published_events_total",): 100,
        ("eventbus_publish_errors_total", "reason", "invalid"): 1,
        ("eventbus_acked_events_total",): 70,
        ("eventbus_in_flight_events",): 30,
        ("eventbus_in_flight_bytes",): sum(
            # As a field of a message: a tag, and a length of two bytes from 128 on.
            one.event.ByteSize() + 3 for one in taken[70:]
        ),
        ("eventbus_delivered_events_total",): 200,
        ("eventbus_subscribers", "kind", "group"): 1,
        ("eventbus_subscribers", "kind", "tail"): 1,
        ("eventbus_subscribers", "kind", "receive"): 0,
        ("eventbus_groups",): 1,
        ("eventbus_streams",): 2,
        # Of a store that this process keeps.
        ("eventbus_stored_events",): 100 if store_kind == "memory" else 0,
        ("eventbus_store_up",): 1,
        ("eventbus_publish_latency_seconds_count",): 100,
        ("eventbus_build_info",): 1,
    }

    def seen() -> dict:
        return {
            key: daemon.metric(key[0], **({key[1]: key[2]} if len(key) > 1 else {}))
            for key in expected
        }

    eventually_equal(seen, expected)
    assert daemon.metric("eventbus_published_bytes_total") >= 100 * 100
    assert daemon.metric("process_resident_memory_bytes") > 1e6
    member.cancel()
    tail.cancel()
    eventually(lambda: daemon.metric("eventbus_subscribers") == 0, "subscribers are gone")
    eventually(lambda: daemon.metric("eventbus_in_flight_events") == 0, "nothing is in flight")


def test_backlog_of_groups_is_a_metric(start_daemon):
    # It is looked at in sweeps, each entry of this stream a single event.
    daemon = start_daemon({"retention.rules": [{"pattern": "a.*", "max_events_per_entry": 1}]})
    with Bus(daemon.address) as bus:
        member = bus.group("g", "a.*", in_flight=1)
        bus.publish_batch([event("a.b")] * 10)
        eventually_equal(lambda: daemon.metric("eventbus_unread_events"), 9)
        member.send(flow=v1.FlowLimits(max_in_flight=100))
        member.take(10)
        eventually_equal(lambda: daemon.metric("eventbus_unread_events"), 0)


def test_rpcs_are_counted_by_method_and_code(daemon, bus):
    bus.publish("a.b")
    with pytest.raises(grpc.RpcError):
        bus.publish("Bad Type!")

    def counts() -> list:
        method = "eventbus.v1.EventBus/Publish"
        return [
            daemon.metric("eventbus_rpc_requests_total", method=method, code=code)
            for code in ("OK", "INVALID_ARGUMENT")
        ]

    eventually_equal(counts, [1, 1])


@pytest.mark.parametrize("flag", ["--listen-address", "--metrics-address"])
def test_taken_port_is_said_clearly(flag):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        addresses = {"--listen-address": "127.0.0.1:0", "--metrics-address": "127.0.0.1:0"}
        addresses[flag] = f"127.0.0.1:{port}"
        done = run(*(f"{name}={address}" for name, address in addresses.items()))
    assert done.returncode == 3
    assert f"127.0.0.1:{port}" in done.stderr
    assert re.search("in use|taken", done.stderr)


def test_two_daemons_cannot_share_a_port(daemon):
    done = run(f"--listen-address={daemon.address}", "--metrics-address=127.0.0.1:0")
    assert done.returncode == 3
    assert daemon.address in done.stderr


def test_good_configuration_is_said_to_be_good():
    assert run("--check-config").returncode == 0


BAD_CONFIGURATIONS = {
    "unknown key": ("listen:\n  adress: 127.0.0.1:1\n", "listen.adress"),
    "bad value": ("drain:\n  timeout: soon\n", "drain.timeout"),
    "out of bounds": ("limits:\n  max_event_bytes: 1GiB\n", "limits.max_event_bytes"),
    "open to others": ("listen:\n  address: 0.0.0.0:9463\n", "insecure"),
    "no YAML": ("listen: [\n", "YAML"),
    "not together": ("limits:\n  max_event_bytes: 3MiB\n  max_batch_bytes: 2MiB\n", "together"),
}


@pytest.mark.parametrize("case", BAD_CONFIGURATIONS)
@pytest.mark.parametrize("flags", [[], ["--check-config"]], ids=["start", "check"])
def test_bad_configuration_is_refused(tmp_path, case, flags):
    text, part = BAD_CONFIGURATIONS[case]
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    done = run(f"--config={path}", *flags)
    assert done.returncode == 2
    assert part in done.stderr
    assert str(path) in done.stderr
    assert done.stdout == ""


def test_printed_configuration_says_where_each_value_is_from_and_masks_secrets(tmp_path):
    path = tmp_path / "bus.yaml"
    path.write_text("store:\n  kind: memory\n  redis:\n    url: redis://u:hunter2@cache:6379\n")
    done = run(f"--config={path}", "--drain-timeout=5s", "--print-config")
    assert done.returncode == 0
    assert re.search(rf"^  kind: memory  # {path}:2$", done.stdout, re.MULTILINE)
    assert re.search(r"^  timeout: 5s  # --drain-timeout$", done.stdout, re.MULTILINE)
    assert re.search(r"^  interval: 15s  # default$", done.stdout, re.MULTILINE)
    assert "hunter2" not in done.stdout and "***" in done.stdout


@pytest.mark.parametrize("form", ["text", "json"])
def test_log_lines_hold_no_event_data(start_daemon, form):
    daemon = start_daemon({"logging.format": form, "logging.level": "debug"})
    with Bus(daemon.address) as bus:
        member = bus.group("g", "a.*")
        bus.publish("a.b", b"SECRET-PAYLOAD", source="/SECRET-SOURCE")
        with pytest.raises(grpc.RpcError):
            bus.publish("Bad Type!", b"SECRET-PAYLOAD")
        member.ack(*member.take(1))
    daemon.stop()
    lines = daemon.stderr().splitlines()
    assert any("type created" in line for line in lines)
    assert "SECRET" not in daemon.stderr() + daemon.stdout()
    if form == "json":
        for line in lines:
            assert {"time", "level", "message"} <= set(json.loads(line)), line


def test_version_is_told():
    done = run("--version")
    assert done.returncode == 0
    assert re.search(r"\d+\.\d+\.\d+", done.stdout)
