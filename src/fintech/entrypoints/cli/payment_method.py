"""``fintech payment-method``: finding cards by what is sealed of them, and showing a number to somebody with a reason."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from fintech.application.commits import NotFound
from fintech.application.payment_methods import SoughtMethod
from fintech.application.reveal import Revealed
from fintech.domain.billing import EMAIL_MAX
from fintech.domain.ids import MerchantId, PaymentMethodId
from fintech.domain.outcome import Failure
from fintech.domain.payment_methods import PaymentMethod
from fintech.domain.scope import Scope
from fintech.entrypoints.cli.options import (
    ACCOUNT,
    IdType,
    actor_of,
    actor_options,
    bounded,
    data_option,
    if_given,
    json_option,
    mode_option,
)
from fintech.entrypoints.cli.printing import Column, in_sydney, iso, print_facts, print_json, print_table
from fintech.entrypoints.cli.working import granted, work
from fintech.entrypoints.container import Core

_METHOD: Final = IdType(PaymentMethodId)
#: A number with what people write between its digits.
NUMBER_MAX: Final = 40


@click.group("payment-method")
def payment_method() -> None:
    """Find kept cards; reveal a number to somebody who has a reason."""


@payment_method.command()
@click.argument("account", type=ACCOUNT)
@click.option("--email", callback=if_given(bounded(EMAIL_MAX)), help="The e-mail address of a card's owner.")
@click.option(
    "--pan-from-stdin", "by_number", is_flag=True, help="Look for the number that standard input says."
)
@mode_option
@data_option
@actor_options(None)
@json_option
def find(
    account: MerchantId,
    email: str | None,
    by_number: bool,
    livemode: bool,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
) -> None:
    """Find a merchant's cards by whose they are, or by their number, which no command line has in it.

    Nothing is opened for it.
    """
    if (email is not None) is by_number:
        raise click.UsageError("look for one of --email and --pan-from-stdin")
    sought = SoughtMethod(email=email, number=_number_read() if by_number else None)
    scope = Scope(account, livemode)
    del acting, why  # of the command, which is written down

    async def body(core: Core) -> Sequence[PaymentMethod]:
        if await core.store().merchant(scope) is None:
            granted(Failure(NotFound("merchant", account)))
        return granted(await core.look_up_methods()(scope, sought))

    found = work(data, body)
    if as_json:
        print_json({"payment_methods": [_fields(each) for each in found]})
        return
    columns = [Column("payment method"), Column("at"), Column("scheme"), Column("number"), Column("expires")]
    print_table(columns, [_row(each) for each in found])


@payment_method.command()
@click.argument("account", type=ACCOUNT)
@click.argument("payment_method_id", type=_METHOD, metavar="PAYMENT_METHOD")
@click.option("--show-number", is_flag=True, help="Print the number, although a terminal shows it.")
@mode_option
@data_option
@actor_options(None)
@json_option
def reveal(
    account: MerchantId,
    payment_method_id: PaymentMethodId,
    show_number: bool,
    livemode: bool,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
) -> None:
    """Reveal the number of a card that is kept. Who and why is written into the audit trail first.

    It is printed to a file or another program; to a terminal, which others see and which remembers, only with
    --show-number.
    """
    if not show_number and sys.stdout.isatty():
        raise click.UsageError("this is a terminal: say --show-number, or send it somewhere else")

    async def body(core: Core) -> Revealed:
        actor, scope = actor_of(acting, why), Scope(account, livemode)
        return granted(await core.reveal_card()(actor, scope, payment_method_id))

    revealed = work(data, body)
    if as_json:
        print_json(_fields(revealed.method) | {"number": revealed.number})
        return
    method = revealed.method
    print_facts(
        [
            ("payment method", method.id),
            ("scheme", method.card.scheme),
            ("number", revealed.number),
            ("expires", _expires(method)),
        ]
    )


def _number_read() -> str:
    """The number that standard input says; what it says is in no message."""
    text = sys.stdin.read(NUMBER_MAX + 1)
    number = text.strip().replace(" ", "").replace("-", "")
    if len(text) > NUMBER_MAX or not (number.isascii() and number.isdigit()):
        raise click.UsageError("standard input says no card number")
    return number


def _expires(method: PaymentMethod) -> str:
    return f"{method.card.exp_month:02d}/{method.card.exp_year}"


def _row(method: PaymentMethod) -> list[str]:
    shown = f"…{method.card.last4}"
    return [method.id, in_sydney(method.created_at), method.card.scheme, shown, _expires(method)]


def _fields(method: PaymentMethod) -> dict[str, Any]:
    return {
        "payment_method": method.id,
        "scheme": method.card.scheme,
        "last4": method.card.last4,
        "exp_month": method.card.exp_month,
        "exp_year": method.card.exp_year,
        "fingerprint": method.card.fingerprint,
        "created_at": iso(method.created_at),
        "metadata": dict(method.metadata),
    }
