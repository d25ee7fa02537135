"""Honeytokens: whoever touches one is heard, ordinary work touches none, and a dump does not tell them from others."""

import logging

import pytest

from fintech.adapters.crypto.leasing import LeasingVault
from fintech.adapters.crypto.lending import VaultSettings
from fintech.adapters.memory.id_source import CountingIdSource
from fintech.adapters.system.id_source import RandomIdSource
from fintech.adapters.system.keyed_digest import LocalDigest
from fintech.application.keys.honeytokens import Alarm, Honeytokens, WatchedVault
from fintech.application.keys.planting import Planted, PlantHoneytokens
from fintech.application.keys.tending import HEARD
from fintech.application.protection import Protection
from fintech.application.sealing_anew import ResealTouched
from fintech.domain.audit import AuditAction
from fintech.domain.ids import MerchantId, PaymentMethodId
from fintech.domain.keys.columns import CARD_NUMBER
from fintech.domain.keys.custody import KeyStatus
from fintech.domain.outcome import Success
from fintech.ports.errors import AuditUnavailable
from tests.unit.application.keys.test_tending import tender
from tests.unit.application.keys.world import ANN, ENVIRONMENT, OLD, SHOP, World

TOKENS = Honeytokens(LocalDigest(bytes(32)))


class Garden(World):
    """A world with a real vault, a watch over it and something planted."""

    async def plant(self, merchant: MerchantId | None = None) -> Planted:
        self.raw = LeasingVault(
            root=self.root,
            table=self.table,
            audit=self.trail,
            clock=self.clock,
            ids=RandomIdSource(),
            settings=VaultSettings(environment=ENVIRONMENT, cmks=(OLD,)),
            attended=False,
        )
        self.alarm = Alarm(self.trail, self.clock)
        self.watched = WatchedVault(vault=self.raw, honeytokens=TOKENS, alarm=self.alarm)
        self.vault = self.raw
        self.wire()
        plant = PlantHoneytokens(
            protection=Protection(
                vault=self.raw,
                values=self.protected,
                clock=self.clock,
                touched=ResealTouched(protected=self.protected),
            ),
            ids=RandomIdSource(),
            honeytokens=TOKENS,
            audited=self.audited,
        )
        return (await plant(ANN, livemode=True, merchant=merchant, cards=2)).unwrap()

    def alarms(self) -> list[str]:
        told = [each for each in self.trail.entries if each.action is AuditAction.HONEYTOKEN_TOUCHED]
        return [str(each.details["what"]) for each in told]


@pytest.fixture
async def garden() -> Garden:
    made = Garden()
    await made.open_ring()
    return made


async def test_a_planted_ring_that_is_lent_raises_the_alarm_before_it_is(
    garden: Garden, caplog: pytest.LogCaptureFixture
) -> None:
    planted = await garden.plant()
    assert garden.alarms() == []
    assert isinstance(await garden.watched.lease(planted.scope), Success)
    assert garden.alarms() == ["lease"]
    assert [each.levelno for each in caplog.records if "honeytoken" in each.message] == [logging.ERROR]
    garden.trail.broken = True
    with pytest.raises(AuditUnavailable):
        await garden.watched.lease(planted.scope)


async def test_a_planted_card_among_a_merchants_own_raises_it_when_it_is_opened(garden: Garden) -> None:
    planted = await garden.plant(SHOP.merchant)
    lease = (await garden.watched.lease(SHOP)).unwrap()
    assert garden.alarms() == []
    place = CARD_NUMBER.at(planted.records[0])
    value = (await garden.protected.get(SHOP, [place]))[place]
    assert isinstance(lease.open(CARD_NUMBER.purpose, place, value.message), Success)
    await garden.alarm.settled()
    assert garden.alarms() == ["open"]


async def test_ordinary_work_raises_none(garden: Garden) -> None:
    """A merchant's own cards, and every sweep there is, over planted rings and planted cards as well."""
    ring, card = await garden.plant(), await garden.plant(SHOP.merchant)
    await garden.keep(3)
    lease = (await garden.watched.lease(SHOP)).unwrap()
    for (scope, place), (column, value) in garden.kept.items():
        there = (await garden.protected.get(scope, [place]))[place]
        assert lease.open(column.purpose, place, there.message) == Success(value)
    garden.clock.advance(garden.policy.period)
    tend = tender(garden)
    assert (await tend()).rotated == 2
    garden.clock.advance(HEARD)
    assert (await tend()).resealed == 9 + 6 + 6
    garden.clock.advance(garden.policy.retire_after)
    assert (await tend()).retired == 2
    assert (await garden.move())[0].troubled == 0
    assert set((await garden.numbers(ring.scope)).values()) == {KeyStatus.RETIRED, KeyStatus.ACTIVE}
    await garden.alarm.settled()
    assert garden.alarms() == []
    place = CARD_NUMBER.at(card.records[0])
    there = (await garden.protected.get(SHOP, [place]))[place]
    renewed = (await garden.watched.lease(SHOP)).unwrap()
    assert renewed.open(CARD_NUMBER.purpose, place, there.message) == Success(b"4242424242424242")
    await garden.alarm.settled()
    assert garden.alarms() == ["open"]


def test_what_is_planted_is_known_by_whoever_has_the_key_and_by_nobody_else() -> None:
    ids = RandomIdSource()
    others = Honeytokens(LocalDigest(b"x" * 32))
    for kind in (MerchantId, PaymentMethodId):
        planted = TOKENS.id_like(ids, kind)
        assert kind.parse(planted) == planted
        assert TOKENS.planted(planted)
        assert not others.planted(planted)
        assert not any(TOKENS.planted(ids.new(kind)) for _ in range(500))
    counted = CountingIdSource()
    assert not any(TOKENS.planted(counted.new(MerchantId)) for _ in range(500))
    assert not TOKENS.planted("")


async def test_in_the_audit_trail_it_looks_as_if_a_card_was_admitted(garden: Garden) -> None:
    await garden.plant()
    actions = {entry.action for entry in garden.trail.entries}
    assert actions <= {AuditAction.KEY_CREATED, AuditAction.CARD_ADMITTED, AuditAction.LEASE_GRANTED}
