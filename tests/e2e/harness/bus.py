"""A client on bare generated stubs with stock channel settings, and tiny verbs on top."""

import uuid

import grpc
from google.protobuf import duration_pb2, timestamp_pb2

from harness.publishing import PublishCall
from harness.stubs import rpc, v1
from harness.subscription import Subscription
from harness.waiting import DEADLINE


def event(type_: str = "test.event", data: bytes = b"", **fields) -> v1.Event:
    """An event; `fields` are those of the message, but for `attributes`: name=value, strings."""
    attributes = fields.pop("attributes", {})
    made = v1.Event(type=type_, **fields)
    if data:
        made.binary_data = data
    for name, value in attributes.items():
        made.attributes[name].ce_string = value
    return made


def seconds(value: float) -> duration_pb2.Duration:
    return duration_pb2.Duration(seconds=int(value), nanos=round(value % 1 * 1e9))


def latest() -> v1.StartPosition:
    return v1.StartPosition(latest=v1.StartPosition.Latest())


def earliest() -> v1.StartPosition:
    return v1.StartPosition(earliest=v1.StartPosition.Earliest())


def at_time(time: timestamp_pb2.Timestamp) -> v1.StartPosition:
    return v1.StartPosition(time=time)


def after(positions: dict, others_from: timestamp_pb2.Timestamp = None) -> v1.StartPosition:
    return v1.StartPosition(
        after=v1.StartPosition.AfterPositions(positions=positions, others_from=others_from)
    )


def group_open(name: str, *patterns: str, policy=None, **fields) -> v1.SubscribeOpen:
    """An `open` for a group. `ephemeral`, `update_group`, `revision` go into the group;
    `in_flight`, `in_flight_bytes`, `batch_size`, `batch_timeout` where they belong; the rest is as
    in the proto."""
    group = {
        key: fields.pop(key) for key in ("ephemeral", "update_group", "revision") if key in fields
    }
    target = v1.GroupSubscription(name=name, patterns=patterns, policy=policy, **group)
    return _shaped(v1.SubscribeOpen(group=target), fields)


def tail_open(*patterns: str, filter=None, **fields) -> v1.SubscribeOpen:
    target = v1.TailSubscription(patterns=patterns, filter=filter)
    return _shaped(v1.SubscribeOpen(tail=target), fields)


def _shaped(opening: v1.SubscribeOpen, fields: dict) -> v1.SubscribeOpen:
    if "in_flight" in fields:
        opening.flow.max_in_flight = fields.pop("in_flight")
    if "in_flight_bytes" in fields:
        opening.flow.max_in_flight_bytes = fields.pop("in_flight_bytes")
    if "batch_size" in fields:
        opening.batch.batch_size = fields.pop("batch_size")
    if "batch_timeout" in fields:
        opening.batch.batch_timeout.CopyFrom(seconds(fields.pop("batch_timeout")))
    if "heartbeat" in fields:
        opening.heartbeat.CopyFrom(seconds(fields.pop("heartbeat")))
    opening.MergeFrom(v1.SubscribeOpen(**fields))
    return opening


class Bus:
    """A connection of its own to the daemon, closed by `close` or at the end of a `with`."""

    def __init__(self, address: str):
        # Without the option, channels of one process to one address share a connection.
        self.channel = grpc.insecure_channel(
            address, options=[("grpc.use_local_subchannel_pool", 1)]
        )
        self.stub = rpc.EventBusStub(self.channel)
        self.admin = rpc.EventBusAdminStub(self.channel)
        self._calls = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self) -> None:
        for call in self._calls:
            call.cancel()
        self.channel.close()

    def publish(self, type_="test.event", data: bytes = b"", metadata=None, **fields):
        """Publishes one event and returns the PublishedEvent."""
        made = type_ if isinstance(type_, v1.Event) else event(type_, data, **fields)
        request = v1.PublishRequest(event=made)
        return self.stub.Publish(request, timeout=DEADLINE, metadata=metadata).published

    def publish_batch(self, events, **fields) -> list:
        """Publishes events in one call, which must all succeed; returns the PublishedEvents."""
        request = v1.PublishBatchRequest(events=events, **fields)
        response = self.stub.PublishBatch(request, timeout=DEADLINE)
        assert len(response.results) == len(request.events)
        for result in response.results:
            assert result.WhichOneof("outcome") == "published", result
        return [result.published for result in response.results]

    def publish_stream(self) -> PublishCall:
        return self._keep(PublishCall(self.stub))

    def subscribe(self, opening: v1.SubscribeOpen = None, **keywords) -> Subscription:
        """A Subscribe call that has sent `opening`, if any. Does not wait for the answer."""
        call = self._keep(Subscription(self.stub, **keywords))
        if opening is not None:
            call.send(open=opening)
        return call

    def group(
        self, name: str, *patterns: str, answer_pings: bool = False, **fields
    ) -> Subscription:
        """A member of a group, once the server says that the subscription stands."""
        return self.subscribe(
            group_open(name, *patterns, **fields), answer_pings=answer_pings
        ).opening()

    def tail(self, *patterns: str, answer_pings: bool = False, **fields) -> Subscription:
        """A tail, once the server says that the subscription stands."""
        return self.subscribe(tail_open(*patterns, **fields), answer_pings=answer_pings).opening()

    def receive(self, opening: v1.SubscribeOpen):
        """A Receive call: an iterator of its messages, with `cancel`."""
        call = self.stub.Receive(v1.ReceiveRequest(open=opening), timeout=3 * DEADLINE)
        return self._keep(call)

    def pull(self, group: str, *patterns: str, policy=None, wait: float = 0, **fields):
        """A Pull of the group, created if there are patterns."""
        target = v1.GroupSubscription(name=group, patterns=patterns, policy=policy)
        request = v1.PullRequest(group=target, wait=seconds(wait), **fields)
        return self.stub.Pull(request, timeout=wait + DEADLINE)

    def settle(self, **fields) -> v1.SettleResponse:
        return self.stub.Settle(v1.SettleRequest(**fields), timeout=DEADLINE)

    def _keep(self, call):
        self._calls.append(call)
        return call


def unique(prefix: str) -> str:
    """A name that no other test uses."""
    return f"{prefix}-{uuid.uuid4().hex[:12]}"
