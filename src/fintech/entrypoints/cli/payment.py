"""``fintech payment``: what became of payments, and giving money back."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from fintech.application.commits import NotFound
from fintech.domain.ids import MerchantId, PaymentId
from fintech.domain.money import Currency, format_minor
from fintech.domain.outcome import Failure
from fintech.domain.payments.attempt import Attempt
from fintech.domain.payments.payment import Payment
from fintech.domain.refunds.refund import REASONS_TO_CHOOSE, Refund, RefundReason, RefundStatus
from fintech.domain.scope import Scope
from fintech.entrypoints.cli.options import (
    ACCOUNT,
    AMOUNT,
    PAYMENT,
    actor_options,
    data_option,
    json_option,
    key_option,
    minor_of,
    mode_option,
)
from fintech.entrypoints.cli.printing import Column, in_sydney, iso, print_facts, print_json, print_table
from fintech.entrypoints.cli.reading import all_of
from fintech.entrypoints.cli.working import Refused, granted, request_of, work
from fintech.entrypoints.container import Core
from fintech.ports.queries import Listed, Page

OPERATION = "cli payment refund"


@click.group()
def payment() -> None:
    """List, show and refund payments."""


@payment.command("list")
@click.argument("account", type=ACCOUNT)
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Newest first.")
@click.option("--after", type=PAYMENT, help="Go on after this payment.")
@mode_option
@data_option
@json_option
def list_(
    account: MerchantId,
    limit: int,
    after: PaymentId | None,
    livemode: bool,
    data: Path | None,
    as_json: bool,
) -> None:
    """List a merchant's payments, newest first."""
    scope = Scope(account, livemode)

    async def body(core: Core) -> list[Payment]:
        async def read(page: Page) -> Listed[Payment]:
            return await core.queries().payments(scope, page)

        if await core.store().merchant(scope) is None:
            granted(Failure(NotFound("merchant", account)))
        return [each async for each in all_of(read, lambda payment: payment.id, Page(after=after), limit)]

    payments = work(data, body)
    if as_json:
        print_json({"payments": [_fields(each) for each in payments]})
        return
    columns = [Column("payment"), Column("at"), Column("status"), Column("amount", right=True)]
    columns += [Column("captured", right=True), Column("refunded", right=True), Column("card")]
    print_table(columns, [_row(each) for each in payments])


@payment.command()
@click.argument("account", type=ACCOUNT)
@click.argument("payment_id", type=PAYMENT, metavar="PAYMENT")
@mode_option
@data_option
@json_option
def show(
    account: MerchantId, payment_id: PaymentId, livemode: bool, data: Path | None, as_json: bool
) -> None:
    """Show a payment, its attempts and its refunds."""
    scope = Scope(account, livemode)

    async def body(core: Core) -> tuple[Payment, Sequence[Refund]]:
        found = await core.store().payment(scope, payment_id)
        if found is None:
            return granted(Failure(NotFound("payment", payment_id)))
        refunds = await core.queries().refunds(scope, Page(limit=100), payment_id)
        return found, refunds.items

    found, refunds = work(data, body)
    if as_json:
        print_json({**_fields(found), "refunds": [_refund_fields(each) for each in refunds]})
        return
    _, at, status, amount, captured, refunded, _ = _row(found)
    print_facts(
        [
            ("payment", found.id),
            ("at", at),
            ("status", status),
            ("amount", f"{amount} {found.currency}"),
            ("captured", captured),
            ("may be captured", format_minor(found.capturable_minor, found.currency)),
            ("refunded", refunded),
            *(
                (f"attempt {number}", _said(each, found.currency))
                for number, each in enumerate(found.attempts, 1)
            ),
            *(
                (each.id, f"{format_minor(each.amount_minor, each.currency)} {each.status}")
                for each in reversed(refunds)
            ),
        ]
    )


@payment.command()
@click.argument("account", type=ACCOUNT)
@click.argument("payment_id", type=PAYMENT, metavar="PAYMENT")
@click.option("--amount", type=AMOUNT, help="Without it, all that is left.")
@click.option(
    "--reason", type=click.Choice([each.value for each in REASONS_TO_CHOOSE]), help="The customer's side."
)
@key_option
@mode_option
@data_option
@actor_options(None)
@json_option
def refund(
    account: MerchantId,
    payment_id: PaymentId,
    amount: Decimal | None,
    reason: str | None,
    idempotency_key: str | None,
    livemode: bool,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
) -> None:
    """Give some or all of a captured payment back.

    An unknown outcome is no failure: the sweeper of a running service asks until somebody answers.
    """
    scope = Scope(account, livemode)

    async def body(core: Core) -> Refund:
        paid = await core.store().payment(scope, payment_id)
        if paid is None:
            return granted(Failure(NotFound("payment", payment_id)))
        minor = None if amount is None else minor_of(amount, paid.currency, "--amount")
        asked = (payment_id, minor, reason)
        refunded = await core.create_refund()(
            request_of(core, OPERATION, asked, acting, why, idempotency_key),
            scope,
            payment_id,
            amount_minor=minor,
            reason=RefundReason(reason) if reason else None,
        )
        return granted(refunded, paid.currency).value

    made = work(data, body)
    if as_json:
        print_json(_refund_fields(made))
    else:
        print(f"{made.id}  {format_minor(made.amount_minor, made.currency)} {made.currency}  {made.status}")
    if made.status is RefundStatus.FAILED:
        raise Refused(f"the refund failed: {made.failure}")


def _row(payment: Payment) -> list[str]:
    def money(minor: int) -> str:
        return format_minor(minor, payment.currency)

    method = payment.attempt.method if payment.attempt else payment.method
    return [
        payment.id,
        in_sydney(payment.created_at),
        payment.status,
        money(payment.amount_minor),
        money(payment.captured_minor),
        money(payment.refunded_minor),
        f"{method.card.scheme} …{method.card.last4}" if method else "",
    ]


def _said(attempt: Attempt, currency: Currency) -> str:
    parts = [attempt.id, attempt.status, format_minor(attempt.amount_minor, currency)]
    parts += [f"{attempt.method.card.scheme} …{attempt.method.card.last4}"]
    if attempt.decline:
        parts.append(f"{attempt.decline.code} ({attempt.decline.scheme_code})")
    return "  ".join(parts)


def _fields(payment: Payment) -> dict[str, Any]:
    return {
        "payment": payment.id,
        "status": payment.status,
        "amount_minor": payment.amount_minor,
        "currency": payment.currency,
        "capture_method": payment.capture_method,
        "authorised_minor": payment.authorised_minor,
        "capturable_minor": payment.capturable_minor,
        "captured_minor": payment.captured_minor,
        "refunded_minor": payment.refunded_minor,
        "created_at": iso(payment.created_at),
        "canceled_at": iso(payment.canceled_at),
        "description": payment.description,
        "metadata": dict(payment.metadata),
        "attempts": [_attempt_fields(each) for each in payment.attempts],
    }


def _attempt_fields(attempt: Attempt) -> dict[str, Any]:
    return {
        "attempt": attempt.id,
        "status": attempt.status,
        "amount_minor": attempt.amount_minor,
        "authorised_minor": attempt.authorised_minor,
        "captured_minor": attempt.captured_minor,
        "fee_minor": sum(capture.fee_minor for capture in attempt.captures),
        "tax_minor": sum(capture.tax_minor for capture in attempt.captures),
        "scheme": attempt.method.card.scheme,
        "last4": attempt.method.card.last4,
        "decline_code": attempt.decline.code if attempt.decline else None,
        "scheme_code": attempt.decline.scheme_code if attempt.decline else None,
        "sent_at": iso(attempt.sent_at),
        "answered_at": iso(attempt.answered_at),
    }


def _refund_fields(refund: Refund) -> dict[str, Any]:
    return {
        "refund": refund.id,
        "payment": refund.payment,
        "status": refund.status,
        "amount_minor": refund.amount_minor,
        "currency": refund.currency,
        "reason": refund.reason,
        "failure": refund.failure,
        "created_at": iso(refund.created_at),
    }
