"""The sender over real sockets keeps the promise of a sender."""

from collections.abc import AsyncIterator

import pytest

from fintech.adapters.webhooks.sender import HttpSender
from fintech.ports.contracts.webhook_sender import WebhookSenderContract
from tests.receivers import Inbox, receiving


@pytest.fixture
async def sender() -> AsyncIterator[HttpSender]:
    sender = HttpSender()
    yield sender
    await sender.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Inbox]:
    async with receiving() as inbox:
        yield inbox


class TestHttpSender(WebhookSenderContract): ...
