"""What a failed call says: the gRPC status with its details of the standard kinds."""

import dataclasses

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status


@dataclasses.dataclass
class Refusal:
    code: grpc.StatusCode
    message: str
    reason: str = ""  # google.rpc.ErrorInfo
    domain: str = ""
    metadata: dict = dataclasses.field(default_factory=dict)
    fields: dict = dataclasses.field(default_factory=dict)  # google.rpc.BadRequest
    retry_delay: float = None  # google.rpc.RetryInfo, seconds


def refusal_of(error: grpc.RpcError) -> Refusal:
    refusal = Refusal(error.code(), error.details())
    status = rpc_status.from_call(error)  # Raises if code or message differ from the trailer's.
    for detail in status.details if status else ():
        if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
            info = error_details_pb2.ErrorInfo.FromString(detail.value)
            refusal.reason, refusal.domain = info.reason, info.domain
            refusal.metadata = dict(info.metadata)
        elif detail.Is(error_details_pb2.BadRequest.DESCRIPTOR):
            bad = error_details_pb2.BadRequest.FromString(detail.value)
            refusal.fields = {v.field: v.description for v in bad.field_violations}
        elif detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR):
            retry = error_details_pb2.RetryInfo.FromString(detail.value)
            refusal.retry_delay = retry.retry_delay.ToTimedelta().total_seconds()
        else:
            raise AssertionError(f"a detail of a kind that is not documented: {detail.type_url}")
    return refusal


def refused(call, *arguments, **keywords) -> Refusal:
    """Makes a call that has to fail, and returns how it did."""
    try:
        answer = call(*arguments, **keywords)
        if hasattr(answer, "__next__"):
            answer = list(answer)
    except grpc.RpcError as error:
        return refusal_of(error)
    raise AssertionError(f"the call was not refused but answered {answer}")
