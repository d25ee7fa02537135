"""Posting one event: signed with what its endpoint signs with now, if custody lets us."""

import logging
from datetime import timedelta
from typing import Final

from attrs import frozen

from fintech.application.webhooks.parcels import Render, signed_parcel
from fintech.application.webhooks.secrets import SigningSecrets
from fintech.domain.keys.refusals import CustodyReason, CustodyRefused
from fintech.domain.outcome import Failure
from fintech.domain.webhooks.delivery import TryFault
from fintech.ports.clock import Clock
from fintech.ports.errors import LeaseEnded
from fintech.ports.outbox import Claimed
from fintech.ports.webhook_sender import Sent, WebhookSender

#: How long a delivery waits that custody lets nobody sign, about.
_HELD_BACK: Final = {
    CustodyReason.UNREACHABLE: timedelta(seconds=10),
    CustodyReason.SUSPENDED: timedelta(minutes=1),
}
_HELD_BACK_OTHERS: Final = timedelta(minutes=10)

_log: Final = logging.getLogger(__name__)


@frozen(kw_only=True)
class PostEvent:
    """Posts what was claimed."""

    sender: WebhookSender
    secrets: SigningSecrets
    render: Render
    clock: Clock

    async def __call__(self, claimed: Claimed) -> Sent | CustodyRefused:
        """The answer, or why nobody may sign it; what breaks on our side is an answer too, so that it is tried again later
        and does not come back at once."""
        endpoint, now = claimed.endpoint, self.clock.now()
        livemode = claimed.scope.livemode
        try:
            opened = await self.secrets.of(claimed.scope, endpoint.signing(now))
            if isinstance(opened, Failure):
                return opened.failure()
            body = self.render(claimed.event, livemode, claimed.pending)
            return await self.sender.post(
                signed_parcel(endpoint.url, body, opened.unwrap(), now, loopback=not livemode)
            )
        except LeaseEnded as ended:
            return ended.refused
        except Exception as error:  # noqa: BLE001 - one event that cannot be sent must not stop the others
            _log.error(
                "an event cannot be sent", extra={"event": claimed.event.id, "error": type(error).__name__}
            )
            return Sent(duration_ms=0, fault=TryFault.OURS)


def held_back_for(refused: CustodyRefused) -> timedelta:
    """How long to wait before custody is asked again."""
    return _HELD_BACK.get(refused.reason, _HELD_BACK_OTHERS)
