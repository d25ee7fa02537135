"""The promise of `Proofs`, for every adapter's tests."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from random import Random

import pytest

from fintech.domain.remittances import LATENESS_MAX
from fintech.ports.clock import Clock
from fintech.ports.contracts.disputing import quarrel
from fintech.ports.contracts.paying_out import pay_out, pay_out_every_way
from fintech.ports.contracts.seasons import Season
from fintech.ports.contracts.trading import trade
from fintech.ports.id_source import IdSource
from fintech.ports.proofs import Proof, Proofs
from fintech.ports.store import Store

Plant = Callable[[Proof], Awaitable[None]]


async def told(
    store: Store, ids: IdSource, clock: Clock, chance: Random, advance: Callable[[timedelta], None]
) -> list[Season]:
    """Merchants who trade, in both modes; every proof has something to look at."""
    seasons = [await Season.begin(store, ids, clock) for _ in range(2)]
    alike = seasons[0].story.merchant.id
    seasons.append(await Season.begin(store, ids, clock, livemode=True, id=alike))
    for season in seasons:
        await trade(season, chance, advance)
        payment = await season.pay(20_000)
        await season.pay(30_000, manual=True)
        await season.settle()
        await pay_out(season, 9_000)
        await pay_out_every_way(season)
        await season.refund(payment.id, 700)
        await quarrel(season)
        advance(2 * LATENESS_MAX)
        await pay_out(season, 1)
    return seasons


class ProofsContract:
    """Subclass it and provide the fixtures ``store`` (empty), ``proofs`` (of what it stores), ``clock`` (the store's),
    ``ids`` (an `IdSource`), ``advance`` (moves the clock by a timedelta) and ``plant``: called with a proof after the
    books have been written to, it reaches behind the store and makes one row of the test-mode books wrong, in a way
    that this proof is there to find."""

    @pytest.fixture(params=range(2))
    def chance(self, request: pytest.FixtureRequest) -> Random:
        return Random(request.param)  # noqa: S311 - chance, not secrecy

    @pytest.fixture
    async def seasons(
        self, store: Store, ids: IdSource, clock: Clock, chance: Random, advance: Callable[[timedelta], None]
    ) -> list[Season]:
        return await told(store, ids, clock, chance, advance)

    @pytest.mark.usefixtures("seasons")
    async def test_they_hold_whatever_is_committed(self, proofs: Proofs) -> None:
        await self._assert_all_hold(proofs)

    async def test_they_hold_where_nothing_was_committed(self, proofs: Proofs) -> None:
        await self._assert_all_hold(proofs)

    async def _assert_all_hold(self, proofs: Proofs) -> None:
        for proof in Proof:
            for livemode in (False, True):
                assert list(await proofs.check(proof, livemode)) == [], proof

    @pytest.mark.usefixtures("seasons")
    @pytest.mark.parametrize("proof", Proof)
    async def test_one_wrong_row_breaks_it_in_its_mode_alone(
        self, proofs: Proofs, plant: Plant, proof: Proof
    ) -> None:
        await plant(proof)
        found = await proofs.check(proof, livemode=False)
        assert found
        assert {discrepancy.proof for discrepancy in found} == {proof}
        assert all(discrepancy.expected != discrepancy.found for discrepancy in found)
        assert all(discrepancy.subject for discrepancy in found)
        assert list(await proofs.check(proof, livemode=True)) == []

    @pytest.mark.usefixtures("seasons")
    async def test_no_more_discrepancies_than_asked_for(self, proofs: Proofs, plant: Plant) -> None:
        await plant(Proof.REBUILT)
        assert len(await proofs.check(Proof.REBUILT, livemode=False, limit=1)) == 1
        assert len(await proofs.check(Proof.REBUILT, livemode=False, limit=0)) == 0
