"""What is true of payouts, advances, quotas and disputes after every step, and when everything has come to rest."""

from collections import Counter
from collections.abc import Sequence
from datetime import date

from fintech.adapters.simulator.bank_accounts import BY_NAME, Behaviour
from fintech.application.payments.asking import books_of
from fintech.domain.disputes.dispute import Dispute, DisputeStatus
from fintech.domain.ledger import AccountId, Balances
from fintech.domain.payouts.funds import quota_accounts
from fintech.domain.payouts.payout import Payout, PayoutStatus
from tests.properties.banks import StoryBank
from tests.properties.world import World

_CAME_BACK = (PayoutStatus.FAILED, PayoutStatus.CANCELED)


def under_way(
    books: dict[AccountId, Balances], payouts: Sequence[Payout], disputes: Sequence[Dispute]
) -> None:
    """What is in transit, advanced and reserved is what payouts and disputes have there."""
    on = {account.code: balances for account, balances in books.items()}
    in_transit, advance, reserved = (
        on.get(code, Balances()) for code in ("in_transit", "advance", "reserved")
    )
    assert in_transit.credits_posted - in_transit.debits_posted == sum(
        payout.in_transit_minor for payout in payouts
    )
    assert advance.debits_posted == sum(payout.advanced_minor for payout in payouts)
    assert reserved.credits_posted - reserved.debits_posted == sum(each.reserved_minor for each in disputes)
    for payout in payouts:
        assert 0 <= payout.advanced_minor <= payout.total_minor
    unsettled = sum(
        balances.credits_posted - balances.debits_posted
        for code, balances in on.items()
        if code.startswith("unsettled/")
    )
    assert advance.owed <= unsettled, "nothing stands behind an advance"


async def quotas_kept(world: World, who: int) -> None:
    """Each day's quota is what its instant payouts came to, without those that came back before they were paid."""
    merchant = await world.store.merchant(world.scopes[who])
    assert merchant is not None
    amounts: Counter[date] = Counter()
    counts: Counter[date] = Counter()
    for payout in await world.payouts(who):
        if payout.quota_day is not None:
            used = payout.paid_at is not None or payout.status not in _CAME_BACK
            amounts[payout.quota_day] += payout.amount_minor * used
            counts[payout.quota_day] += used
    policy = (await world.settings(who)).instant
    for day in amounts:
        accounts = quota_accounts(books_of(merchant), day)
        balances = await world.store.balances(world.scopes[who], accounts)
        assert [balances[account].owed for account in accounts] == [amounts[day], counts[day]]
        assert amounts[day] <= policy.day_max_minor
        assert counts[day] <= policy.day_count_max


def paid_once_or_not_at_all(bank: StoryBank, payout: Payout) -> None:
    """The bank tells the same story of it."""
    assert payout.due_at is None, payout
    order = bank._memory.orders.get(payout.id)
    if payout.status is PayoutStatus.CANCELED:
        assert order is None
        assert payout.id not in bank.calls
        return
    assert order is not None, payout
    assert order.recall is (payout.reverses is not None)
    returned = BY_NAME[order.account].behaviour is Behaviour.PAY_AND_RETURN and not order.recall
    if payout.status is PayoutStatus.PAID:
        assert not order.rejected
        assert not returned
        assert payout.failure_movement is None
    else:
        assert payout.status is PayoutStatus.FAILED, payout
        assert order.rejected or returned
        assert (payout.failure_movement is None) is (payout.reverses is not None)
        assert not (order.rejected and payout.paid_at)


async def all_heard_of(world: World, who: int) -> None:
    """What the acquirer has decided of a case is what the dispute says, and no errand is under way."""
    for dispute in await world.disputes(who):
        case = world.acquirer._memory.cases[dispute.case]
        assert dispute.errand is None, dispute
        decided = dispute.status in (DisputeStatus.WON, DisputeStatus.LOST, DisputeStatus.WARNING_CLOSED)
        assert case.over is decided, dispute
        assert case.inquiry is dispute.inquiry
        assert bool(dispute.reinstatement) is (dispute.status is DisputeStatus.WON)
        assert bool(dispute.withdrawal) is not dispute.inquiry
