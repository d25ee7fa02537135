"""What merchants, the bank and the clock do, each as something to be done in any world."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

from fintech.application.commits import Request
from fintech.domain.business_days import sydney_day
from fintech.domain.merchants import Standing
from fintech.domain.money import Currency
from fintech.domain.payments.payment import BEFORE_CONFIRMATION, CancelReason, CaptureMethod, Payment
from fintech.ports.errors import ConcurrencyExhausted
from tests.properties.acquirers import LineDown
from tests.properties.world import World

Deed = Callable[[World, Request], Awaitable[Any]]
Fits = Callable[[Payment], bool]


def fits_any(_payment: Payment) -> bool:
    """Every payment."""
    return True


def fits_confirm(payment: Payment) -> bool:
    """Payments that nobody has been asked about, or in vain."""
    return payment.status in BEFORE_CONFIRMATION


def fits_capture(payment: Payment) -> bool:
    """Payments that wait to be captured."""
    return payment.capturable_minor > 0


def fits_increment(payment: Payment) -> bool:
    """Payments of which nothing has been captured yet, and nothing more asked for."""
    attempt = payment.attempt
    return fits_capture(payment) and attempt is not None and not attempt.captures and not attempt.question


def fits_refund(payment: Payment) -> bool:
    """Payments of which something was captured."""
    return payment.captured_minor > payment.refunded_minor


def create(who: int, amount_minor: int, card: str, *, manual: bool, confirm: bool) -> Deed:
    """A new payment."""

    async def deed(world: World, request: Request) -> Any:
        return await world.core.create_payment()(
            request,
            world.scopes[who],
            amount_minor=amount_minor,
            currency=Currency.AUD,
            capture_method=CaptureMethod.MANUAL if manual else CaptureMethod.AUTOMATIC,
            method=world.card(who, card),
            confirm=confirm,
        )

    return deed


def confirm(who: int, which: int, card: str) -> Deed:
    """Another card for a payment."""

    async def deed(world: World, request: Request) -> Any:
        id, method = await world.number(who, which), world.card(who, card)
        return await world.core.confirm_payment()(request, world.scopes[who], id, method)

    return deed


def update(who: int, which: int, amount_minor: int) -> Deed:
    """Another amount and a word about it."""

    async def deed(world: World, request: Request) -> Any:
        id = await world.number(who, which)
        return await world.core.update_payment()(
            request,
            world.scopes[who],
            id,
            amount_minor=amount_minor if amount_minor % 2 else None,
            metadata=(("amount", str(amount_minor)),),
        )

    return deed


def capture(who: int, which: int, percent: int | None, *, final: bool) -> Deed:
    """Take some of what is held, or all of it without a word."""

    async def deed(world: World, request: Request) -> Any:
        id = await world.number(who, which)
        payment = await world.store.payment(world.scopes[who], id)
        amount_minor = None if percent is None else share(payment.capturable_minor if payment else 0, percent)
        return await world.core.capture_payment()(
            request, world.scopes[who], id, amount_minor=amount_minor, final=final
        )

    return deed


def increment(who: int, which: int, more_minor: int) -> Deed:
    """A higher authorisation."""

    async def deed(world: World, request: Request) -> Any:
        id = await world.number(who, which)
        payment = await world.store.payment(world.scopes[who], id)
        total = (payment.authorised_minor if payment else 0) + more_minor
        return await world.core.increment_authorisation()(request, world.scopes[who], id, total)

    return deed


def cancel(who: int, which: int) -> Deed:
    """Give a payment up."""

    async def deed(world: World, request: Request) -> Any:
        id = await world.number(who, which)
        return await world.core.cancel_payment()(request, world.scopes[who], id, CancelReason.ABANDONED)

    return deed


def refund(who: int, which: int, percent: int | None) -> Deed:
    """Give some of what is left of a payment back, or all of it without a word."""

    async def deed(world: World, request: Request) -> Any:
        id = await world.number(who, which)
        payment = await world.store.payment(world.scopes[who], id)
        left = payment.captured_minor - payment.refunded_minor if payment else 0
        amount_minor = None if percent is None else share(left, percent)
        return await world.core.create_refund()(request, world.scopes[who], id, amount_minor=amount_minor)

    return deed


def share(whole_minor: int, percent: int) -> int:
    """A share rounded down; a little more than all of it above 100, a little less than nothing below 0."""
    if percent > 100:
        return whole_minor + 1
    return whole_minor * percent // 100 if percent >= 0 else -1


def settle(who: int, days_ago: int) -> Deed:
    """The bank pays."""

    async def deed(world: World, request: Request) -> Any:
        through = sydney_day(world.clock.now()) - timedelta(days=days_ago)
        return await world.core.settle_merchant()(request.actor, world.scopes[who], through)

    return deed


def place(who: int, standing: Standing) -> Deed:
    """Suspend a merchant, or let it trade again."""

    async def deed(world: World, request: Request) -> Any:
        return await world.core.place_merchant()(request.actor, world.scopes[who], standing)

    return deed


def together(rush: Sequence[Deed]) -> Deed:
    """All of it at once; who lost too often has done nothing."""

    async def deed(world: World, request: Request) -> Any:
        done = await asyncio.gather(*(each(world, request) for each in rush), return_exceptions=True)
        broken = [each for each in done if isinstance(each, BaseException)]
        assert all(isinstance(each, ConcurrencyExhausted | LineDown) for each in broken), broken
        return len(done)

    return deed


def sweep() -> Deed:
    """One round of the sweeper."""

    async def deed(world: World, _request: Request) -> Any:
        return await world.core.sweep()()

    return deed
