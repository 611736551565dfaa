"""A PublishStream call."""

from harness.conversation import Conversation
from harness.stubs import v1
from harness.waiting import DEADLINE


class PublishCall(Conversation):
    def __init__(self, stub):
        super().__init__(stub.PublishStream)
        self.sequence = 0
        self.through = 0
        self.failures = []
        self.results = []

    def window(self) -> v1.PublishWindow:
        return self.next("window").window

    def publish(self, *events: v1.Event, **fields) -> int:
        """Sends one message, and returns its sequence number."""
        self.sequence += 1
        self.send_message(v1.PublishStreamRequest(events=events, sequence=self.sequence, **fields))
        return self.sequence

    def wait_for(self, sequence: int, deadline: float = DEADLINE) -> None:
        """Returns once everything up to and including this message is decided."""
        while self.through < sequence:
            acknowledgement = self.next("acknowledgement", deadline=deadline).acknowledgement
            assert acknowledgement.through >= self.through, "acknowledgements never go back"
            assert acknowledgement.through <= self.sequence, (
                "nothing is acknowledged before it is sent"
            )
            self.through = acknowledgement.through
            self.failures += acknowledgement.failures
            self.results += acknowledgement.results
