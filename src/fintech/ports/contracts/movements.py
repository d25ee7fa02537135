"""The promise of `Queries` about movements of a merchant's money, and about what they add up to."""

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

from attrs import evolve

from fintech.domain.chart import BALANCE_BUCKETS, Bucket, bucket_of
from fintech.domain.ids import ChangesetId, MovementId
from fintech.domain.ledger import TransferKind
from fintech.domain.lines import line_amounts
from fintech.domain.scope import Scope
from fintech.ports.clock import Clock
from fintech.ports.contracts.paging import Expected, check
from fintech.ports.contracts.paying_out import pay_out, payable
from fintech.ports.contracts.seasons import NOBODY_KNOWS, Season
from fintech.ports.contracts.trading import trade
from fintech.ports.id_source import IdSource
from fintech.ports.queries import Listed, MovementLine, Page, Queries
from fintech.ports.store import Store


class MovementQueriesContract:
    """A part of `QueriesContract`, which has its fixtures."""

    async def test_movements_count_whole_movements(
        self, queries: Queries, season: Season, chance: Random
    ) -> None:
        for amount in (1_000, 2_000, 3_000, 4_000):
            await season.pay(amount)
        expected: Expected = [(id, legs[0].at) for id, legs in sorted(season.lines.items(), reverse=True)]
        scope = season.story.scope
        await check(chance, lambda page: queries.movements(scope, page), _id, expected)
        for line in (await queries.movements(scope, Page(limit=100))).items:
            assert list(line.legs) == season.lines[line.id]
            assert await queries.movement(scope, line.id) == line

    async def test_a_movement_that_is_no_line_of_the_balance_is_not_listed(
        self, queries: Queries, season: Season, ids: IdSource
    ) -> None:
        await season.pay(1_000, manual=True)
        other = Scope(season.story.scope.merchant, livemode=True)
        for id in season.movements.keys() - season.lines.keys():
            assert await queries.movement(season.story.scope, id) is None
        for id in season.lines:
            assert await queries.movement(other, id) is None
        unheard = MovementId.of(ids.new(ChangesetId), 0)
        assert await queries.movement(season.story.scope, unheard) is None
        asked = (*season.movements, unheard)
        found = {line.id: list(line.legs) for line in await queries.movements_of(season.story.scope, asked)}
        assert found == season.lines
        assert list(await queries.movements_of(other, asked)) == []

    async def test_movements_of_some_kinds(self, queries: Queries, season: Season, chance: Random) -> None:
        payment = await season.pay(10_000)
        for amount in (100, 200, 300, 400):
            await season.refund(payment.id, amount)
            await season.pay(10 * amount)
        scope = season.story.scope
        for kinds in ((TransferKind.REFUND,), (TransferKind.CAPTURE, TransferKind.REFUND_FAILURE)):
            expected: Expected = [
                (id, legs[0].at)
                for id, legs in sorted(season.lines.items(), reverse=True)
                if legs[0].kind in kinds
            ]
            await check(chance, lambda page: queries.movements(scope, page, kinds), _id, expected)  # noqa: B023 - called within the round

    async def test_a_kind_is_that_of_a_lines_first_leg(self, queries: Queries, season: Season) -> None:
        await season.pay(1_000, manual=True)
        assert any(leg.kind is TransferKind.ACQUIRING_FEE for legs in season.lines.values() for leg in legs)
        for kind in (TransferKind.ACQUIRING_FEE, TransferKind.HOLD, TransferKind.RELEASE):
            assert await queries.movements(season.story.scope, Page(), [kind]) == Listed((), has_more=False)

    async def test_a_movement_of_another_kind_is_a_cursor_too(self, queries: Queries, season: Season) -> None:
        payment = await season.pay(10_000)
        for amount in (100, 200):
            await season.refund(payment.id, amount)
            await season.pay(1_000)
        scope, kinds, page = season.story.scope, [TransferKind.REFUND], Page(limit=100)
        refunds = [line.id for line in (await queries.movements(scope, page, kinds)).items]
        for other in season.lines.keys() - set(refunds):
            older = await queries.movements(scope, evolve(page, after=other), kinds)
            newer = await queries.movements(scope, evolve(page, before=other), kinds)
            assert [line.id for line in older.items] == [id for id in refunds if id < other]
            assert [line.id for line in newer.items] == [id for id in refunds if id > other]

    async def test_payable_lines_are_what_payouts_pay_for(
        self, queries: Queries, season: Season, chance: Random
    ) -> None:
        await season.pay(50_000)
        await season.settle()
        await pay_out(season, 20_000)
        await season.refund((await season.pay(10_000)).id, 300)
        scope, expected = season.story.scope, payable(season)
        assert any(line.net_minor < 0 for line in expected)
        assert len(expected) < len(season.lines), "a payout is no such line"
        assert list(await queries.payable_lines(scope, None, 1_000)) == expected
        for _ in range(10):
            place, limit = chance.randrange(len(expected)), chance.choice((1, 2, 5))
            after = expected[place].movement
            found = await queries.payable_lines(scope, after, limit)
            assert list(found) == expected[place + 1 : place + 1 + limit]
        assert (
            await queries.balance_before(scope, season.now + timedelta(microseconds=1))
            == sum(line.net_minor for line in expected) - 20_000
        )

    async def test_payable_lines_begin_beside_a_movement_that_is_none(
        self, queries: Queries, season: Season
    ) -> None:
        scope, expected = season.story.scope, payable(season)
        for other in season.movements.keys() - season.lines.keys():
            found = await queries.payable_lines(scope, other, 1_000)
            assert list(found) == [line for line in expected if line.movement > other]

    async def test_lines_of_a_span_oldest_first(
        self, queries: Queries, season: Season, chance: Random
    ) -> None:
        await season.pay(1_000)
        await season.pay(2_000)  # at the same moment
        scope = season.story.scope
        lines = [(legs[0].at, id) for id, legs in sorted(season.lines.items())]
        moments = sorted(at for at, _ in lines)
        for _ in range(12):
            start, end = sorted(chance.choices([*moments, season.now + timedelta(hours=1)], k=2))
            expected = [id for at, id in lines if start <= at < end]
            limit = chance.choice((1, 2, 3, 100))
            assert await _walked(queries, scope, start, end, limit) == expected
        every = await queries.lines(scope, moments[0], season.now + timedelta(hours=1), 1_000)
        assert [list(line.legs) for line in every] == [season.lines[MovementId(id)] for _, id in lines]

    async def test_there_are_no_lines_in_no_time(self, queries: Queries, season: Season) -> None:
        await season.pay(1_000)
        assert list(await queries.lines(season.story.scope, season.now, season.now, 10)) == []

    async def test_a_balance_is_what_the_lines_before_it_add_up_to(
        self, queries: Queries, season: Season, advance: Callable[[timedelta], None]
    ) -> None:
        lines = list(season.lines.values())
        advance(timedelta(hours=1))
        for moment in [*(legs[0].at for legs in lines), season.now]:
            before = sum(line_amounts(legs).net_minor for legs in lines if legs[0].at < moment)
            assert await queries.balance_before(season.story.scope, moment) == before

    async def test_the_balance_before_a_moment_is_what_the_accounts_stood_at(
        self,
        queries: Queries,
        store: Store,
        season: Season,
        chance: Random,
        advance: Callable[[timedelta], None],
    ) -> None:
        scope = season.story.scope
        stood = []
        for _ in range(6):
            advance(timedelta(hours=1))
            stood.append((season.now, await _owed(store, scope)))
            await season.pay(1_000)  # at that very moment, so not before it
            await trade(season, chance, advance, steps=1)
        advance(timedelta(microseconds=1))
        stood.append((season.now, await _owed(store, scope)))
        assert len({owed for _, owed in stood}) == len(stood), "too little happened to tell"
        assert [(at, await queries.balance_before(scope, at)) for at, _ in stood] == stood

    async def test_the_balance_before_a_moment_is_less_what_the_merchant_owes(
        self,
        queries: Queries,
        store: Store,
        ids: IdSource,
        clock: Clock,
        advance: Callable[[timedelta], None],
    ) -> None:
        season = await Season.begin(store, ids, clock)
        payment = await season.pay(10_000)
        await season.settle()
        await season.refund(
            payment.id, 10_000
        )  # more than is left after the fee, which comes back beside the debt
        advance(timedelta(hours=1))
        scope = season.story.scope
        debt = (await store.books(scope))[season.story.books.account(Bucket.RECEIVABLE.value)].owed
        assert debt > 0
        assert await queries.balance_before(scope, season.now) == await _owed(store, scope) == 0

    async def test_the_balance_before_a_moment_knows_no_hold_and_no_open_refund(
        self, queries: Queries, season: Season, advance: Callable[[timedelta], None]
    ) -> None:
        scope, payment = season.story.scope, await season.pay(10_000)
        advance(timedelta(hours=1))
        owed = await queries.balance_before(scope, season.now)
        await season.pay(5_000, manual=True)
        await season.refund(payment.id, 1_000, NOBODY_KNOWS)
        await season.settle()
        advance(timedelta(hours=1))
        assert await queries.balance_before(scope, season.now) == owed


async def _walked(queries: Queries, scope: Scope, start: datetime, end: datetime, limit: int) -> list[str]:
    """The ids of a span's lines, so many at a time."""
    found: list[MovementLine] = []
    while True:
        some = await queries.lines(scope, start, end, limit, found[-1] if found else None)
        assert len(some) <= limit
        if not some:
            return [line.id for line in found]
        found += some


async def _owed(store: Store, scope: Scope) -> int:
    """What the merchant's accounts stand at: what we owe it, less what it owes us."""
    return sum(
        balances.credits_posted - balances.debits_posted
        for account, balances in (await store.books(scope)).items()
        if bucket_of(account.code) in BALANCE_BUCKETS
    )


def _id(line: MovementLine) -> str:
    return line.id
