"""The sender in memory keeps the promise of a sender."""

from collections.abc import Sequence

import pytest

from fintech.adapters.memory.webhook_sender import MemoryWebhookSender
from fintech.ports.contracts.webhook_sender import WebhookSenderContract


class Inbox:
    url = "http://127.0.0.1:3000/hooks"
    nowhere = "http://127.0.0.1:3001/hooks"

    def __init__(self, sender: MemoryWebhookSender) -> None:
        self._sender = sender
        sender.down.add(self.nowhere)

    def answers(self, *statuses: int) -> None:
        self._sender.script.extend(statuses)

    def got(self) -> Sequence[tuple[bytes, dict[str, str]]]:
        return [(parcel.body, dict(parcel.headers)) for parcel in self._sender.sent]


@pytest.fixture
def sender() -> MemoryWebhookSender:
    return MemoryWebhookSender()


@pytest.fixture
def receiver(sender: MemoryWebhookSender) -> Inbox:
    return Inbox(sender)


class TestMemoryWebhookSender(WebhookSenderContract): ...
