"""What is true of a merchant's money after every step, and what is when everything has come to rest."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from fintech.domain.balance_settings import Interval, Schedule
from fintech.domain.cards import Approved, Decline
from fintech.domain.chart import rule_of
from fintech.domain.disputes.dispute import Dispute
from fintech.domain.ledger import Balances
from fintech.domain.merchants import Standing
from fintech.domain.outcome import Success
from fintech.domain.payments.attempt import Attempt, AttemptStatus, IncrementStatus
from fintech.domain.payments.payment import Payment, PaymentStatus
from fintech.domain.refunds.refund import Refund, RefundReason, RefundStatus
from fintech.ports.proofs import Proof
from tests.properties.cash_flow_deeds import pay_on_schedule
from tests.properties.cash_flow_truths import all_heard_of, paid_once_or_not_at_all, quotas_kept, under_way
from tests.properties.deeds import place, settle, sweep
from tests.properties.world import World

#: Nothing needs so many rounds to come to rest.
ROUNDS_MAX: Final = 1_000
_EMPTY_AT_REST: Final = ("unsettled", "scheme_receivable", "holds", "in_transit", "advance")


async def true_now(world: World) -> None:
    """After every step."""
    for who in range(len(world.scopes)):
        books = await world.books(who)
        payments, refunds = await world.payments(who), await world.refunds(who)
        disputes = await world.disputes(who)
        _conserved(books)
        _covered(books, disputes)
        held = sum(payment.capturable_minor for payment in payments)
        assert sum(each.debits_pending for code, each in _by_code(books) if code == "holds") == held
        under_way(books, await world.payouts(who), disputes)
        await quotas_kept(world, who)
        for payment in payments:
            _within_bounds(payment, [refund for refund in refunds if refund.payment == payment.id])
    for proof in Proof:
        assert list(await world.proofs.check(proof, livemode=False)) == []


def _conserved(books: dict) -> None:
    total = Balances()
    for account, balances in books.items():
        assert balances.within(rule_of(account.code).limit), (account.code, balances)
        sums = (balances.debits_pending, balances.debits_posted, balances.credits_pending)
        assert min(*sums, balances.credits_posted) >= 0
        if account.code != "quota_contra":  # days' quotas, its other side, stand aside
            total = total.plus(balances)
    assert total.debits_posted == total.credits_posted
    assert total.debits_pending == total.credits_pending


def _covered(books: dict, disputes: list[Dispute]) -> None:
    """Cash at the bank covers what merchants may have, and we take no more of it than we have earned.

    A dispute's fee that is returned is unsettled money: ours pays for it with the next settlement. What a scheme takes
    back of what it paid for (a purchase that a terminal gave up after its day was settled) is the merchant's debt at once,
    and leaves our cash with the next settlement.
    """
    nets = _nets(books)
    owed = sum(nets[code] for code in ("available", "reserved", "in_transit"))
    assert -nets["client_cash"] >= owed
    returned = sum(dispute.fee.total_minor for dispute in disputes if dispute.fee_returned)
    taken_back = sum(max(net, 0) for code, net in nets.items() if code.startswith("scheme_receivable/"))
    assert _ours(nets) <= _earned(nets) + returned + taken_back


def _ours(nets: Counter[str]) -> int:
    """What we have of what we earned: cash, what merchants owe us, and what we have given up of that."""
    return -sum(nets[code] for code in ("own_cash", "receivable", "advance", "losses"))


def _earned(nets: Counter[str]) -> int:
    """Fees of every kind, and the tax on them."""
    return sum(net for code, net in nets.items() if code.startswith(("fees/", "gst_payable/")))


def _nets(books: dict) -> Counter[str]:
    """Credits less debits that are posted, by code."""
    return Counter(
        {code: balances.credits_posted - balances.debits_posted for code, balances in _by_code(books)}
    )


def _by_code(books: dict) -> list[tuple[str, Balances]]:
    return [(account.code, balances) for account, balances in books.items()]


def _within_bounds(payment: Payment, refunds: list[Refund]) -> None:
    assert 0 <= payment.refunded_minor <= payment.captured_minor <= payment.authorised_minor
    assert payment.captured_minor + payment.capturable_minor <= payment.authorised_minor
    standing = [refund for refund in refunds if refund.status is not RefundStatus.FAILED]
    assert payment.refunded_minor == sum(refund.amount_minor for refund in standing)
    assert payment.refunds == len(refunds)
    captures = [capture for attempt in payment.attempts for capture in attempt.captures]
    for capture in captures:
        assert min(capture.fee_minor, capture.tax_minor) >= 0
        assert capture.fee_minor + capture.tax_minor <= capture.amount_minor
    assert 0 <= payment.fee_returned.fee_minor <= sum(capture.fee_minor for capture in captures)
    assert 0 <= payment.fee_returned.tax_minor <= sum(capture.tax_minor for capture in captures)
    assert [attempt.captures for attempt in payment.attempts[:-1]] == [()] * len(payment.attempts[:-1])
    if payment.status is PaymentStatus.REQUIRES_CAPTURE:
        assert payment.capturable_minor > 0
    else:
        assert payment.capturable_minor == 0


async def come_to_rest(worlds: Sequence[World]) -> None:
    """The lines are good again, time passes, the sweeper works and the bank pays for everything."""
    for world in worlds:
        world.acquirer.script.clear()
        world.acquirer.dies.clear()
        world.bank.script.clear()
        world.bank.dies.clear()
        world.bank.speaks = True
        for who in range(len(world.scopes)):
            await world.perform(place(who, Standing.ACTIVE), None)  # refused where nobody was suspended
            (await world.perform(pay_on_schedule(who, Schedule(interval=Interval.MANUAL), 0), None)).unwrap()
    for _ in range(ROUNDS_MAX):
        for world in worlds:
            await world.perform(sweep(), None)
        due = [moment for world in worlds for moment in await _due(world)]
        if not due:
            break
        now = worlds[0].clock.now()
        worlds[0].clock.advance(max(min(due) - now, timedelta(seconds=1)))
    for world in worlds:
        for who in range(len(world.scopes)):
            while isinstance(await world.perform(settle(who, 0), None), Success):
                pass


async def _due(world: World) -> list[datetime]:
    """When somebody has to look at something again."""
    untold = len(await world.acquirer.notices(10)) + len(await world.bank.notices(10))
    found: list[datetime] = [world.clock.now()] * untold
    found += [moment for moment, _ in world.bank._memory.untold.values()]
    for who in range(len(world.scopes)):
        found += [payment.due_at for payment in await world.payments(who) if payment.due_at]
        found += [refund.due_at for refund in await world.refunds(who) if refund.due_at]
        found += [payout.due_at for payout in await world.payouts(who) if payout.due_at]
        found += [dispute.due_at for dispute in await world.disputes(who) if dispute.due_at]
    return found


async def true_at_rest(world: World) -> None:
    """When there is nothing left to do: nothing is open, and we and the acquirer tell the same story."""
    for who in range(len(world.scopes)):
        payments, refunds = await world.payments(who), await world.refunds(who)
        for payment in payments:
            assert payment.due_at is None, payment
            assert payment.status not in (PaymentStatus.PROCESSING, PaymentStatus.REQUIRES_CAPTURE)
            for attempt in payment.attempts:
                _agrees(world, attempt, _given_up(attempt, refunds))
        for refund in refunds:
            assert refund.due_at is None, refund
            _agrees_on_refund(world, refund)
        for payout in await world.payouts(who):
            paid_once_or_not_at_all(world.bank, payout)
        await all_heard_of(world, who)
        await _settled(world, who)
    assert await world.acquirer.notices(10) == ()
    assert not world.bank._memory.untold


def _given_up(attempt: Attempt, refunds: list[Refund]) -> int:
    """What a terminal gave up of it after it was captured."""
    return sum(
        refund.amount_minor
        for refund in refunds
        if refund.charge == attempt.id and refund.reason is RefundReason.TERMINAL_REVERSAL
    )


def _agrees(world: World, attempt: Attempt, given_up_minor: int) -> None:
    """A cardholder whose bank said yes has paid the merchant, or the acquirer was told that it is not wanted."""
    known = world.acquirer._memory
    answer, told = known.answers.get(attempt.id), attempt.id in known.reversed_requests
    rest = attempt.authorised_minor - attempt.captured_minor + given_up_minor
    if attempt.status is AttemptStatus.CAPTURED:
        assert isinstance(answer, Approved)
        assert told is (rest > 0)
    elif attempt.status is AttemptStatus.DECLINED:
        assert isinstance(answer, Decline)
    else:
        assert attempt.status is AttemptStatus.RELEASED
        assert told
    for increment in attempt.increments:
        name = attempt.question_of(increment)
        if increment.status is IncrementStatus.APPROVED:
            assert isinstance(known.answers[name], Approved)
        elif increment.status is IncrementStatus.DECLINED:
            assert isinstance(known.answers[name], Decline)
        else:
            assert increment.status is IncrementStatus.RELEASED
            assert name in known.reversed_requests
            assert _told(world, name) == increment.amount_minor
    if attempt.authorised_minor:
        assert _told(world, attempt.id) == rest
    assert not any(reversal.due for reversal in attempt.reversals)


def _told(world: World, original: str) -> int:
    """How much of what was asked for the acquirer was told to forget."""
    return sum(
        reversal.amount_minor
        for reversal in world.acquirer.told.values()
        if reversal.original_request == original
    )


def _agrees_on_refund(world: World, refund: Refund) -> None:
    answer = world.acquirer._memory.answers.get(refund.id)
    came_back = refund.failure_movement is not None
    if (
        refund.reason is RefundReason.TERMINAL_REVERSAL
    ):  # the acquirer was told to forget the purchase instead
        assert answer is None
        assert refund.status is RefundStatus.SUCCEEDED
    elif refund.status is RefundStatus.SUCCEEDED or came_back:
        assert isinstance(answer, Approved)
    else:
        assert refund.status is RefundStatus.FAILED
        assert isinstance(answer, Decline)


async def _settled(world: World, who: int) -> None:
    """Every cent at the bank that is not ours is available to the merchant, and ours is what fees came to."""
    books = await world.books(who)
    nets = _nets(books)
    assert not any(each.debits_pending + each.credits_pending for each in books.values())
    for code, net in nets.items():
        if code.startswith(_EMPTY_AT_REST):
            assert net == 0, (code, net)
    assert -nets["client_cash"] == nets["available"] + nets["reserved"]
    assert _ours(nets) == _earned(nets)
