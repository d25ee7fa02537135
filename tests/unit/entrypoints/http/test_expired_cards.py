"""A card that expired so long ago that its number was removed is an expired card, and nothing that was damaged."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.simulator.card_acquirer import SimulatedAcquirer
from fintech.application.keys.tending import TENDER
from fintech.application.reveal import NumberNotKept
from fintech.domain.ids import PaymentMethodId
from fintech.domain.outcome import Failure
from fintech.domain.scope import Actor, Face
from fintech.entrypoints import profiles
from fintech.entrypoints.container import Core
from tests.unit.entrypoints.http.driving import Api, Reply, driving

CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2030}
#: The last day on which the number is kept, at noon in Sydney.
LAST = datetime(2030, 12, 28, 1, tzinfo=UTC) + timedelta(days=180)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def acquirer() -> SimulatedAcquirer:
    return SimulatedAcquirer(answer_timeout_s=0)


@pytest.fixture
async def core(clock: ManualClock, acquirer: SimulatedAcquirer) -> AsyncIterator[Core]:
    async with profiles.testing(acquirer=acquirer, clock=clock) as core:
        yield core


async def test_it_pays_and_is_revealed_no_more_and_everybody_is_told_why(
    core: Core, clock: ManualClock, acquirer: SimulatedAcquirer
) -> None:
    async with driving(core) as api:
        kept = (await api.post("/v1/payment_methods", {"type": "card", "card": CARD})).body["id"]
        clock.advance(LAST - clock.now())
        assert (await core.remove_unneeded()(TENDER)).removed == 0
        assert (await pays(api, kept)).status == 200
        asked = len(acquirer.calls)
        clock.advance(timedelta(days=1))
        assert (await core.remove_unneeded()(TENDER)).removed == 1
        refused = await pays(api, kept)
        assert (refused.status, refused.error["code"]) == (402, "expired_card")
        assert refused.error["decline_code"] == "expired_card"
        assert refused.error["payment_intent"]["status"] == "requires_payment_method"
        assert len(acquirer.calls) == asked, "nobody is asked about a number that nobody has"
        assert (await api.get(f"/v1/payment_methods/{kept}")).status == 200
        by_name = await pays(api, "pm_card_visa")
        assert by_name.status == 200, "it is about that card alone"
        officer = Actor("ann", Face.CLI, "the cardholder asks")
        revealed = await core.reveal_card()(officer, api.shop.scope, PaymentMethodId(kept))
        assert revealed == Failure(NumberNotKept(PaymentMethodId(kept), 12, 2030))


async def pays(api: Api, method: str) -> Reply:
    """A payment."""
    return await api.post(
        "/v1/payment_intents",
        {"amount": 1_000, "currency": "aud", "payment_method": method, "confirm": True},
    )
