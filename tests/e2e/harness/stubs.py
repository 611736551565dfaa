"""The client stubs, generated from proto/ by unmodified grpcio-tools when this module is imported.

    from harness.stubs import v1, rpc
    rpc.EventBusStub(channel).Publish(v1.PublishRequest(event=v1.Event(type="a.b")))

`v1` has the messages and enums of package eventbus.v1, `rpc` the stubs of its services.
"""

import importlib
import importlib.resources
import pathlib
import sys
import tempfile
import types

from grpc_tools import protoc

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROTO = ROOT / "proto"

_directory = tempfile.TemporaryDirectory(prefix="eventbus-stubs-")


def _generate() -> None:
    well_known = importlib.resources.files("grpc_tools") / "_proto"
    code = protoc.main(
        [
            "protoc",
            f"-I{PROTO}",
            f"-I{well_known}",
            f"--python_out={_directory.name}",
            f"--grpc_python_out={_directory.name}",
            *sorted(str(path) for path in PROTO.rglob("*.proto")),
        ]
    )
    if code != 0:
        raise RuntimeError("protoc could not generate the stubs; its messages are above")
    sys.path.insert(0, _directory.name)


def _merged(name: str, *modules: str) -> types.ModuleType:
    merged = types.ModuleType(name)
    for module in modules:
        for key, value in vars(importlib.import_module(module)).items():
            if not key.startswith("_"):
                setattr(merged, key, value)
    return merged


_generate()
v1 = _merged(
    "v1",
    "eventbus.v1.event_pb2",
    "eventbus.v1.errors_pb2",
    "eventbus.v1.broker_pb2",
    "eventbus.v1.admin_pb2",
)
rpc = _merged("rpc", "eventbus.v1.broker_pb2_grpc", "eventbus.v1.admin_pb2_grpc")
catalog = importlib.import_module("eventbus.catalog.v1alpha.catalog_pb2")
catalog_rpc = importlib.import_module("eventbus.catalog.v1alpha.catalog_pb2_grpc")
