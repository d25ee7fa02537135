"""What merchants, their bank and the back office do about cash flow, each as something to be done in any world."""

from typing import Any, Final

from attrs import evolve

from fintech.application.commits import Request
from fintech.domain.balance_settings import Interval, Schedule
from fintech.domain.disputes.dispute import AWAITING, Dispute
from fintech.domain.ids import BankAccountId, DisputeId, PayoutId, WriteOffId
from fintech.domain.payouts.payout import Payout, PayoutMethod, PayoutStatus
from fintech.domain.scope import Actor, Face
from fintech.domain.write_offs import WriteOff, WriteOffStatus
from tests.properties.deeds import Deed, share
from tests.properties.world import World

#: Who decides on what the other one proposes.
SECOND: Final = Actor("second", Face.EMBEDDED)
SCHEDULES: Final = (
    Schedule(interval=Interval.DAILY),
    Schedule(interval=Interval.DAILY),
    Schedule(interval=Interval.WEEKLY, weekday=4),
    Schedule(interval=Interval.MONTHLY, day=31),
    Schedule(interval=Interval.MANUAL),
    Schedule(interval=Interval.MANUAL, day=1),
)


def fits_cancel(payout: Payout) -> bool:
    """Payouts that wait for the bank's window."""
    return payout.status is PayoutStatus.PENDING


def fits_reverse(payout: Payout) -> bool:
    """Payouts that may be brought back."""
    return payout.status is PayoutStatus.PAID and payout.reverses is None and payout.reversed_by is None


def fits_response(dispute: Dispute) -> bool:
    """Disputes that wait for the merchant."""
    return dispute.status in AWAITING


def fits_decision(write_off: WriteOff) -> bool:
    """Write-offs that wait for the second person."""
    return write_off.status is WriteOffStatus.PROPOSED


def pay_out(who: int, method: PayoutMethod, percent: int | None, number: str | None) -> Deed:
    """Some of what the merchant has, settled or not, or all that it may have without a word."""

    async def deed(world: World, request: Request) -> Any:
        amount_minor = None if percent is None else share(await _balance(world, who, method), percent)
        account = None if number is None else (await world.accounts(who))[number].id
        return await world.core.create_payout()(
            request, world.scopes[who], amount_minor=amount_minor, method=method, destination=account
        )

    return deed


async def _balance(world: World, who: int, method: PayoutMethod) -> int:
    buckets = ("available",) if method is PayoutMethod.STANDARD else ("available", "unsettled/")
    return sum(
        balances.credits_posted - balances.debits_posted - balances.debits_pending
        for account, balances in (await world.books(who)).items()
        if account.code.startswith(buckets)
    )


def cancel_payout(who: int, which: int) -> Deed:
    """Take a payout back."""

    async def deed(world: World, request: Request) -> Any:
        id = await _payout(world, who, which)
        return await world.core.cancel_payout()(request, world.scopes[who], id)

    return deed


def reverse_payout(who: int, which: int) -> Deed:
    """Have a payout brought back."""

    async def deed(world: World, request: Request) -> Any:
        id = await _payout(world, who, which)
        return await world.core.reverse_payout()(request, world.scopes[who], id)

    return deed


def note_on_payout(who: int, which: int) -> Deed:
    """A word about a payout."""

    async def deed(world: World, request: Request) -> Any:
        id = await _payout(world, who, which)
        return await world.core.update_payout()(request, world.scopes[who], id, metadata=(("a", "b"),))

    return deed


async def _payout(world: World, who: int, which: int) -> PayoutId:
    payouts = await world.payouts(who)
    return payouts[which % len(payouts)].id if payouts else PayoutId("po_" + "0" * 24)


def choose_account(who: int, number: str) -> Deed:
    """Be paid to this account from now on."""

    async def deed(world: World, request: Request) -> Any:
        account = (await world.accounts(who))[number]
        return await world.core.update_bank_account()(request, world.scopes[who], account.id, default=True)

    return deed


def exchange_account(who: int, number: str) -> Deed:
    """Remove an account that is not the default, and add another one with its number."""

    async def deed(world: World, request: Request) -> Any:
        account = (await world.accounts(who))[number]
        if account.id == (await world.settings(who)).destination:
            return await _remove(world, request, who, account.id)
        (await _remove(world, request, who, account.id)).unwrap()
        return await world.add_account(world.scopes[who], number)

    return deed


async def _remove(world: World, request: Request, who: int, id: BankAccountId) -> Any:
    return await world.core.remove_bank_account()(evolve(request, key=None), world.scopes[who], id)


def pay_on_schedule(who: int, schedule: Schedule, minimum_minor: int) -> Deed:
    """Be paid out without asking, or not any more."""

    async def deed(world: World, request: Request) -> Any:
        return await world.core.change_balance_settings()(
            request, world.scopes[who], schedule=schedule, minimum_minor=minimum_minor
        )

    return deed


def respond(who: int, which: int, text: str, *, submit: bool) -> Deed:
    """What the merchant has to say to a dispute."""

    async def deed(world: World, request: Request) -> Any:
        id = await _dispute(world, who, which)
        evidence = (("uncategorized_text", text),)
        return await world.core.update_dispute()(
            request, world.scopes[who], id, evidence=evidence, submit=submit
        )

    return deed


def give_in(who: int, which: int) -> Deed:
    """Accept that the money is lost."""

    async def deed(world: World, request: Request) -> Any:
        id = await _dispute(world, who, which)
        return await world.core.close_dispute()(request, world.scopes[who], id)

    return deed


async def _dispute(world: World, who: int, which: int) -> DisputeId:
    disputes = await world.disputes(who)
    return disputes[which % len(disputes)].id if disputes else DisputeId("du_" + "0" * 24)


def propose_write_off(who: int, percent: int) -> Deed:
    """Some of what the merchant owes us should be given up."""

    async def deed(world: World, request: Request) -> Any:
        debt = sum(
            balances.debits_posted - balances.credits_posted
            for account, balances in (await world.books(who)).items()
            if account.code == "receivable"
        )
        return await world.core.propose_write_off()(
            request.actor, world.scopes[who], share(debt, percent), "Closed"
        )

    return deed


def decide_write_off(who: int, which: int, *, approve: bool, alone: bool) -> Deed:
    """The second person's word, or the first one's again."""

    async def deed(world: World, request: Request) -> Any:
        write_offs = await world.write_offs(who)
        id = write_offs[which % len(write_offs)].id if write_offs else WriteOffId("wo_" + "0" * 24)
        actor = request.actor if alone else SECOND
        return await world.core.decide_write_off()(actor, world.scopes[who], id, approve=approve)

    return deed


def reverse_at_terminal(who: int, which: int) -> Deed:
    """A terminal gives a payment up, whatever has become of it."""

    async def deed(world: World, request: Request) -> Any:
        id = await world.number(who, which)
        return await world.core.reverse_transaction().payment(
            evolve(request, key=None), world.scopes[who], id
        )

    return deed
