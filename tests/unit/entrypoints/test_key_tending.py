"""Tending keys in a service: what it comes to is told, and that it is done at all."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from fintech.adapters.memory.clock import ManualClock
from fintech.application.keys.tending import HEARD
from fintech.domain.ids import PaymentMethodId
from fintech.domain.scope import Actor, Face
from fintech.entrypoints import profiles
from fintech.entrypoints.container import Core
from fintech.entrypoints.http.tending_metrics import TendingMetrics
from fintech.entrypoints.key_tending import KeyTending
from fintech.ports.errors import StoreUnavailable
from tests.unit.entrypoints.http.driving import Api, driving

ANN = Actor("ann", Face.CLI, "the cardholder asks")
CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2060}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def core(clock: ManualClock) -> AsyncIterator[Core]:
    async with profiles.testing(clock=clock) as core:
        yield core


@pytest.fixture
def tending(core: Core) -> KeyTending:
    return KeyTending(tend=core.tend_keys(), remove_unneeded=core.remove_unneeded(), clock=core.clock())


async def samples(api: Api) -> dict[tuple[str, ...], float]:
    """The figures of tending, by name and label."""
    text = (await api.get("/metrics")).text
    assert api.shop.scope.merchant not in text
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith(("fintech_key_tending", "fintech_key_values"))
    }


async def test_what_rounds_come_to_is_told(core: Core, clock: ManualClock, tending: KeyTending) -> None:
    figures = TendingMetrics(figures=tending.figures, touched=core.reseal_touched().figures, clock=clock)
    async with driving(core, also=[figures]) as api:
        assert ("fintech_key_tending_age_seconds",) not in await samples(api), "none has come to its end"
        kept = [
            (await api.post("/v1/payment_methods", {"type": "card", "card": CARD})).body for _ in range(3)
        ]
        clock.advance(core.key_policy().period)
        assert await tending() == 0
        clock.advance(timedelta(seconds=5))
        await core.reveal_card()(ANN, api.shop.scope, PaymentMethodId(kept[0]["id"]))
        await core.reseal_touched().settled()
        clock.advance(HEARD)
        await tending()
        clock.advance(core.key_policy().retire_after)
        await tending()
        clock.advance(timedelta(seconds=7))
        told = await samples(api)
    assert told["fintech_key_tending_age_seconds",] == 7
    assert told["fintech_key_tending_rounds_total", "done"] == 3
    assert told["fintech_key_tending_rings_total", "fine"] == 3
    assert told["fintech_key_tending_rings_total", "troubled"] == 0
    assert told["fintech_key_tending_versions_total", "rotated"] == 1
    assert told["fintech_key_tending_versions_total", "retired"] == 1
    assert told["fintech_key_values_touched_total", "resealed"] == 1
    assert told["fintech_key_tending_values_total", "resealed"] == 2


async def test_a_round_that_does_not_come_to_its_end_is_told(
    core: Core, clock: ManualClock, tending: KeyTending, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise StoreUnavailable("away")

    await tending()
    ended_at = clock.now()
    clock.advance(timedelta(hours=1))
    monkeypatch.setattr(type(core.key_table()), "rings", away)
    with pytest.raises(StoreUnavailable):
        await tending()
    assert (tending.figures.rounds, tending.figures.failed) == (2, 1)
    assert tending.figures.ended_at == ended_at, "its age grows, which is what one alarms on"
