"""The fold that every store commits with: each refusal by itself, their order, and that a refusal changes nothing."""

from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve as changed

from fintech.domain.api_keys import ApiKey
from fintech.domain.apply import ClaimState, State, apply, uniques_of
from fintech.domain.changeset import (
    AccountClosed,
    AlreadyResolved,
    Answer,
    Change,
    Changeset,
    Claim,
    Committed,
    Expired,
    KeyAnswered,
    KeyInFlight,
    KeyReused,
    LimitReached,
    StaleWrite,
    UniqueTaken,
)
from fintech.domain.events import EventType
from fintech.domain.evolving import evolve
from fintech.domain.guards import Ceiling
from fintech.domain.ids import ApiKeyId, ChangesetId, MovementId, TransferId
from fintech.domain.ledger import AccountId, Balances, Phase, Transfer, TransferKind
from fintech.domain.merchants import Merchant, Standing
from fintech.domain.outcome import Failure, Success
from fintech.domain.scope import Scope
from tests.unit.domain.desk import ACTOR, NOON, Desk, merchant

LATER = NOON + timedelta(minutes=1)


class Page:
    """A state, and short words for changesets on it."""

    def __init__(self) -> None:
        self.desk = Desk()
        self.state = self.desk.state
        self.scope = self.desk.scope

    def account(self, code: str) -> AccountId:
        return self.desk.books.account(code)

    def leg(
        self,
        changeset: ChangesetId,
        debit: str,
        credit: str,
        amount: int,
        *,
        position: int = 0,
        phase: Phase = Phase.POST,
        resolves: TransferId | None = None,
        expires_at: Any = None,
    ) -> Transfer:
        return Transfer(
            id=TransferId.of(MovementId.of(changeset, 0), position),
            kind=TransferKind.CAPTURE,
            phase=phase,
            debit=self.account(debit),
            credit=self.account(credit),
            amount_minor=amount,
            source="pi",
            at=NOON,
            resolves=resolves,
            expires_at=expires_at,
        )

    def changes(
        self, *aggregates: Any, id: ChangesetId | None = None, legs: Any = (), **more: Any
    ) -> Changeset:
        """A changeset of aggregates (a new payment if none is named) and legs given as ``(debit, credit, amount)``."""
        id = id or self.desk.changeset()
        aggregates = aggregates or (changed_version(self.desk.new(), 0, self.desk),)
        transfers = tuple(
            leg if isinstance(leg, Transfer) else self.leg(id, *leg, position=n) for n, leg in enumerate(legs)
        )
        return Changeset(
            id=id,
            at=NOON,
            actor=ACTOR,
            changes=tuple(Change(each, EventType.PAYMENT_UPDATED) for each in aggregates),
            transfers=transfers,
            **more,
        )

    def apply(self, changes: Changeset, at: Any = NOON) -> Any:
        return apply(self.state, self.scope, changes, at)

    def done(self, changes: Changeset) -> Changeset:
        """Apply what must not be refused."""
        assert self.apply(changes) == Success(Committed(changes.id))
        return changes

    def refused(self, changes: Changeset, at: Any = NOON) -> Any:
        """Apply what must be refused, and see that it changed nothing."""
        before = deepcopy(self.state)
        outcome = self.apply(changes, at)
        assert isinstance(outcome, Failure), outcome
        assert self.state == before
        return outcome.failure()


def changed_version(payment: Any, version: int, desk: Desk) -> Any:
    """A payment that is not stored."""
    desk.state.versions.pop((desk.scope, payment.id))
    return evolve(payment, version=version)


@pytest.fixture
def page() -> Page:
    return Page()


def claim(**more: Any) -> Claim:
    plain: dict[str, Any] = {
        "key": "k",
        "operation": "create",
        "fingerprint": b"f",
        "resource": "pi_1",
        "lease_until": LATER,
    }
    return Claim(**(plain | more))


# -- saves


def test_a_commit_saves_under_the_next_version(page: Page) -> None:
    changes = page.done(page.changes())
    payment = changes.changes[0].aggregate
    assert page.state.versions[page.scope, payment.id] == 1
    page.done(page.changes(evolve(payment, version=1)))
    assert page.state.versions[page.scope, payment.id] == 2


@pytest.mark.parametrize("version", [0, 2, 7])
def test_another_version_than_the_stored_one_is_stale(page: Page, version: int) -> None:
    payment = page.done(page.changes()).changes[0].aggregate
    stale = page.changes(evolve(payment, version=version))
    assert page.refused(stale) == StaleWrite(payment.id, 1)


def test_what_is_not_stored_cannot_be_saved_under_a_version(page: Page) -> None:
    payment = changed_version(page.desk.new(), 3, page.desk)
    assert page.refused(page.changes(payment)) == StaleWrite(payment.id, 0)


def test_one_stale_save_refuses_all(page: Page) -> None:
    good, stale = page.desk.new(), page.desk.new()
    assert page.refused(page.changes(good, evolve(stale, version=0))) == StaleWrite(stale.id, 1)


def test_the_same_changeset_twice_is_done_once(page: Page) -> None:
    changes = page.done(
        page.changes(legs=[("client_cash", "available", 500)], claim=Answer(key="k", claim=claim()))
    )
    before = deepcopy(page.state)
    page.done(changes)
    assert page.state == before


def test_other_merchants_and_modes_are_other_worlds(page: Page) -> None:
    changes = page.done(page.changes(claim=claim()))
    for scope in (
        Scope(page.scope.merchant, livemode=True),
        Scope(type(page.scope.merchant)("acct_" + "n" * 24), livemode=False),
    ):
        assert apply(page.state, scope, changes, NOON) == Success(Committed(changes.id))


# -- keys


def test_a_key_is_in_flight_until_it_is_answered(page: Page) -> None:
    page.done(page.changes(claim=claim()))
    assert page.refused(page.changes(claim=claim(resource="pi_2"))) == KeyInFlight("pi_1", LATER)
    answer = page.done(page.changes(claim=Answer(key="k", refusal="declined")))
    assert page.refused(page.changes(claim=claim())) == KeyAnswered(answer.first_event, "declined")
    assert page.refused(page.changes(claim=Answer(key="k", claim=claim()))) == KeyAnswered(
        answer.first_event, "declined"
    )


@pytest.mark.parametrize("other", [{"fingerprint": b"g"}, {"operation": "refund"}])
@pytest.mark.parametrize("is_answered", [True, False])
def test_a_key_for_something_else_is_reused(page: Page, other: dict, is_answered: bool) -> None:
    page.done(page.changes(claim=claim()))
    if is_answered:
        page.done(page.changes(claim=Answer(key="k")))
    assert page.refused(page.changes(claim=claim(**other))) == KeyReused("create")


def test_claim_and_answer_in_one_step(page: Page) -> None:
    both = page.done(page.changes(claim=Answer(key="k", claim=claim())))
    assert page.state.claims[page.scope, "k"] == ClaimState(claim(), both.first_event)


def test_the_first_answer_stays(page: Page) -> None:
    page.done(page.changes(claim=claim()))
    first = page.done(page.changes(claim=Answer(key="k")))
    page.done(page.changes(claim=Answer(key="k", refusal="declined")))
    assert page.state.claims[page.scope, "k"] == ClaimState(claim(), first.first_event)


def test_an_answer_to_a_key_that_nobody_knows_is_forgotten(page: Page) -> None:
    page.done(page.changes(claim=Answer(key="k")))
    assert page.state.claims == {}


# -- money


def test_money_moves_as_the_transfers_say(page: Page) -> None:
    page.done(page.changes(legs=[("client_cash", "available", 500), ("available", "in_transit", 200)]))
    assert page.desk.balance("available") == Balances(0, 200, 0, 500)
    assert page.desk.balance("client_cash") == Balances(0, 500, 0, 0)
    page.done(page.changes(legs=[("client_cash", "available", 1)]))
    assert page.desk.balance("client_cash") == Balances(0, 501, 0, 0)


@pytest.mark.parametrize("phase", [Phase.POST, Phase.PENDING])
def test_a_limit_holds_to_the_cent(page: Page, phase: Phase) -> None:
    page.done(page.changes(legs=[("client_cash", "available", 500)]))
    id = page.desk.changeset()
    over = page.changes(id=id, legs=[page.leg(id, "available", "client_cash", 501, phase=phase)])
    assert page.refused(over) == LimitReached(page.account("available"), 500)
    id = page.desk.changeset()
    page.done(page.changes(id=id, legs=[page.leg(id, "available", "client_cash", 500, phase=phase)]))
    id = page.desk.changeset()
    more = page.changes(id=id, legs=[page.leg(id, "available", "client_cash", 1, phase=phase)])
    assert page.refused(more) == LimitReached(page.account("available"), 0)


def test_an_assets_limit_is_on_its_other_side(page: Page) -> None:
    page.done(page.changes(legs=[("receivable", "client_cash", 300)]))
    assert page.refused(page.changes(legs=[("client_cash", "receivable", 301)])) == LimitReached(
        page.account("receivable"), 300
    )
    page.done(page.changes(legs=[("client_cash", "receivable", 300)]))


def test_limits_are_judged_on_what_the_whole_changeset_does(page: Page) -> None:
    page.done(page.changes(legs=[("available", "in_transit", 500), ("client_cash", "available", 500)]))
    assert page.desk.net("in_transit") == 500


def test_a_ceiling_is_judged_after_the_move(page: Page) -> None:
    ceiling = Ceiling(page.account("receivable"), 500)
    page.done(page.changes(legs=[("receivable", "client_cash", 400)], ceilings=(ceiling,)))
    over = page.changes(legs=[("receivable", "client_cash", 101)], ceilings=(ceiling,))
    assert page.refused(over) == LimitReached(page.account("receivable"), 100)
    page.done(page.changes(legs=[("receivable", "client_cash", 100)], ceilings=(ceiling,)))
    untouched = page.changes(ceilings=(ceiling,), legs=[("client_cash", "own_cash", 1)])
    page.done(untouched)
    stricter = page.changes(
        ceilings=(changed(ceiling, most_minor=499),), legs=[("client_cash", "own_cash", 1)]
    )
    assert page.refused(stricter) == LimitReached(page.account("receivable"), -1)


def test_without_balances_a_limit_cannot_be_judged(page: Page) -> None:
    page.state.accounts = None
    page.done(page.changes(legs=[("client_cash", "available", 500)]))
    assert page.state.accounts is None
    with pytest.raises(AssertionError, match="without balances"):
        page.apply(page.changes(legs=[("available", "client_cash", 500)]))


def test_later_members_of_a_group_see_what_earlier_ones_did(page: Page) -> None:
    outcomes = [
        page.apply(page.changes(legs=[("client_cash", "available", 100)])),
        page.apply(page.changes(legs=[("available", "client_cash", 60)])),
        page.apply(page.changes(legs=[("available", "client_cash", 60)])),
        page.apply(page.changes(legs=[("available", "client_cash", 40)])),
    ]
    assert [isinstance(outcome, Success) for outcome in outcomes] == [True, True, False, True]
    assert outcomes[2] == Failure(LimitReached(page.account("available"), 40))


# -- two phases


def pending(page: Page, amount: int = 100, **more: Any) -> Transfer:
    id = page.desk.changeset()
    leg = page.leg(id, "holds", "holds_contra", amount, phase=Phase.PENDING, **more)
    page.done(page.changes(id=id, legs=[leg]))
    return leg


def resolving(page: Page, leg: Transfer, phase: Phase, **more: Any) -> Changeset:
    id = page.desk.changeset()
    resolution = page.leg(id, "holds", "holds_contra", leg.amount_minor, phase=phase, resolves=leg.id)
    return page.changes(id=id, legs=[changed(resolution, **more)])


@pytest.mark.parametrize(
    ("phase", "holds"),
    [(Phase.POST_PENDING, Balances(0, 100, 0, 0)), (Phase.VOID_PENDING, Balances(0, 0, 0, 0))],
)
@pytest.mark.parametrize("again", [Phase.POST_PENDING, Phase.VOID_PENDING])
def test_a_pending_transfer_resolves_once(page: Page, phase: Phase, holds: Balances, again: Phase) -> None:
    leg = pending(page)
    page.done(resolving(page, leg, phase))
    assert page.desk.balance("holds") == holds
    assert page.refused(resolving(page, leg, again)) == AlreadyResolved(leg.id)


@pytest.mark.parametrize("phase", [Phase.POST_PENDING, Phase.VOID_PENDING])
def test_a_pending_transfer_resolves_once_within_one_changeset_too(page: Page, phase: Phase) -> None:
    leg = pending(page)
    pending(page)
    first = resolving(page, leg, phase)
    second = changed(first.transfers[0], id=TransferId.of(MovementId.of(first.id, 0), 1))
    twice = changed(first, transfers=(*first.transfers, second))
    assert page.refused(twice) == AlreadyResolved(leg.id)


def test_what_has_expired_can_only_be_voided(page: Page) -> None:
    leg = pending(page, expires_at=LATER)
    assert page.refused(resolving(page, leg, Phase.POST_PENDING), LATER) == Expired(leg.id)
    just_before = LATER - timedelta(microseconds=1)
    assert isinstance(page.apply(resolving(page, leg, Phase.POST_PENDING), just_before), Success)
    other = pending(page, expires_at=LATER)
    assert isinstance(page.apply(resolving(page, other, Phase.VOID_PENDING), LATER), Success)


@pytest.mark.parametrize(
    "more", [{"amount_minor": 99}, {"debit": "available"}, {"credit": "available"}, {"resolves": "tr_none"}]
)
def test_resolving_what_is_not_pending_like_that_is_a_bug(page: Page, more: dict) -> None:
    leg = pending(page)
    more = {name: page.account(each) if each == "available" else each for name, each in more.items()}
    wrong = resolving(page, leg, Phase.VOID_PENDING, **more)
    before = deepcopy(page.state)
    with pytest.raises(AssertionError, match="not such a pending transfer"):
        page.apply(wrong)
    assert page.state == before


# -- closed books, unique values


def test_closed_books_take_no_transfers_but_what_moves_no_money(page: Page) -> None:
    stored = page.done(page.changes(evolve(page.desk.merchant, version=0))).changes[0].aggregate
    assert isinstance(stored, Merchant)
    closing = page.changes(evolve(stored, version=1, standing=Standing.CLOSED))
    page.done(closing)
    assert page.refused(page.changes(legs=[("client_cash", "available", 1)])) == AccountClosed(page.scope)
    page.done(page.changes())


@pytest.mark.parametrize("standing", [Standing.ACTIVE, Standing.SUSPENDED])
def test_only_closing_closes_the_books(page: Page, standing: Standing) -> None:
    page.done(page.changes(merchant(version=0, standing=standing)))
    page.done(page.changes(legs=[("client_cash", "available", 1)]))


def api_key(page: Page, digest: bytes = b"d") -> ApiKey:
    return ApiKey(
        id=page.desk.ids.new(ApiKeyId), version=0, name="till", digest=digest, hint="beef", created_at=NOON
    )


def test_a_value_that_must_be_unique_is_unique_across_merchants(page: Page) -> None:
    key = api_key(page)
    page.done(page.changes(key))
    assert page.refused(page.changes(api_key(page))) == UniqueTaken("api_key_digest")
    other = Scope(page.scope.merchant, livemode=True)
    assert apply(page.state, other, page.changes(api_key(page)), NOON) == Failure(
        UniqueTaken("api_key_digest")
    )
    page.done(page.changes(evolve(key, version=1, name="other")))
    page.done(page.changes(api_key(page, b"e")))


def test_only_keys_have_unique_values(page: Page) -> None:
    assert uniques_of(api_key(page)) == (("api_key_digest", "64"),)
    assert uniques_of(merchant()) == ()


# -- order


def test_the_key_is_looked_at_first_then_versions_then_money(page: Page) -> None:
    """A repeated request must hear what it came to, not that the world has moved on since."""
    page.done(page.changes(claim=claim()))
    payment = page.desk.new()
    legs = [("available", "client_cash", 1)]
    everything_wrong = page.changes(evolve(payment, version=9), legs=legs, claim=claim())
    assert isinstance(page.refused(everything_wrong), KeyInFlight)
    assert isinstance(page.refused(changed(everything_wrong, claim=None)), StaleWrite)
    assert isinstance(page.refused(page.changes(payment, legs=legs)), LimitReached)
    page.state.closed.add(page.scope)
    assert isinstance(page.refused(page.changes(payment, legs=legs)), AccountClosed)
    assert isinstance(page.refused(everything_wrong), KeyInFlight)


def test_a_changeset_that_was_committed_is_committed_whatever_has_happened_since(page: Page) -> None:
    changes = page.done(page.changes(claim=claim(), legs=[("client_cash", "available", 1)]))
    page.done(page.changes(legs=[("available", "client_cash", 1)], claim=Answer(key="k")))
    page.state.closed.add(page.scope)
    page.done(changes)


def test_an_empty_state_is_empty() -> None:
    state = State()
    assert not any(
        (state.committed, state.closed, state.claims, state.versions, state.uniques, state.pendings)
    )
    assert state.accounts == {}
