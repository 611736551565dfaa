"""What the contract has and this version does not do yet: UNIMPLEMENTED, and it says so."""

import grpc
import pytest

from harness.bus import event, group_open, unique
from harness.refusal import refused
from harness.stubs import catalog, catalog_rpc, v1
from harness.waiting import DEADLINE


def assert_not_implemented(refusal, *parts: str) -> None:
    assert refusal.code == grpc.StatusCode.UNIMPLEMENTED
    assert refusal.reason == "NOT_IMPLEMENTED"
    assert refusal.domain == "eventbus"
    assert "implemented" in refusal.message
    for part in parts:
        assert part in refusal.message


def test_expected_position(shared_bus):
    request = v1.PublishRequest(event=event(), expected_position="")
    refusal = refused(shared_bus.stub.Publish, request, timeout=DEADLINE)
    assert_not_implemented(refusal, "expected_position")


OPENS = {
    "policy.max_in_flight": lambda: group_open(unique("g"), "a", policy=v1.GroupPolicy(max_in_flight=1)),
}


@pytest.mark.parametrize("name", OPENS)
def test_open(shared_bus, name):
    refusal = shared_bus.subscribe(OPENS[name]()).end()
    assert_not_implemented(refusal, name)




def test_catalog(shared_bus):
    stub = catalog_rpc.EventCatalogStub(shared_bus.channel)
    refusal = refused(stub.ListTypes, catalog.ListTypesRequest(), timeout=DEADLINE)
    assert refusal.code == grpc.StatusCode.UNIMPLEMENTED
