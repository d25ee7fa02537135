"""What many commands take: whose data, which mode, who acts and why, and what a word on the command line means."""

import os
import pwd
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import click

from fintech.domain.business_days import sydney_day
from fintech.domain.card_numbers import shows_card_number
from fintech.domain.cards import Scheme
from fintech.domain.ids import ApiKeyId, EventId, Id, MerchantId, PaymentId, WebhookEndpointId
from fintech.domain.merchants import SchemeFee
from fintech.domain.money import AMOUNT_MAX_MINOR, Currency
from fintech.domain.scope import Actor, Face

WHY_MAX: Final = 500
NAME_MAX: Final = 100

AnyId = TypeVar("AnyId", bound=Id)
Decorated = TypeVar("Decorated", bound=Callable[..., Any])

_AMOUNT: Final = re.compile(r"\d{1,13}(\.\d{1,2})?", re.ASCII)
_FEE: Final = re.compile(r"(?P<scheme>[a-z_]+)=(?P<rate>\d{1,5})(\+(?P<fixed>\d{1,5}))?", re.ASCII)
STANDARD: Final = "standard"


class IdType(click.ParamType, Generic[AnyId]):  # type: ignore[type-arg] # generic in newer versions of click only
    """An id of one kind."""

    def __init__(self, kind: type[AnyId]) -> None:
        self.name = f"{kind.PREFIX}…"
        self._kind = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> AnyId:
        """The id that the text spells."""
        id = self._kind.parse(str(value))
        if id is None:
            self.fail(f"{value!r} is no id that begins with {self._kind.PREFIX}", param, ctx)
        return id


class AmountType(click.ParamType):  # type: ignore[type-arg] # the same
    """A positive amount as people write it, exactly: never a float on the way."""

    name = "12.34"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        """The number that the text spells."""
        if isinstance(value, Decimal):
            return value
        text = str(value)
        if not _AMOUNT.fullmatch(text) or not Decimal(text):
            self.fail(
                f"{text!r} is not an amount: digits, and at most two after a point, as in 12.34", param, ctx
            )
        return Decimal(text)


class DayType(click.ParamType):  # type: ignore[type-arg] # the same
    """A day in Sydney."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """The day that the text spells: ``2026-11-23``, ``today`` or ``yesterday``."""
        if isinstance(value, date):
            return value
        today = sydney_day(datetime.now(UTC))
        named = {"today": today, "yesterday": today - timedelta(days=1)}.get(str(value))
        if named is not None:
            return named
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a day: 2026-11-23, today or yesterday", param, ctx)


class FeeType(click.ParamType):  # type: ignore[type-arg] # the same
    """What a scheme's payments cost: ``visa=175+30`` is 1.75 % and 30 minor units of the merchant's currency."""

    name = "scheme=bps+minor"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Scheme | None, SchemeFee]:
        """The scheme, or None for all that are not listed, and its fee."""
        if isinstance(value, tuple):
            return value
        found = _FEE.fullmatch(str(value))
        names = [STANDARD, *(scheme.value for scheme in Scheme)]
        if found is None or found["scheme"] not in names:
            self.fail(
                f"{value!r} is not a fee: visa=175+30 is 1.75 % and 30 minor units; schemes: {', '.join(names)}",
                param,
                ctx,
            )
        try:
            fee = SchemeFee(rate_bps=int(found["rate"]), fixed_minor=int(found["fixed"] or 0))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return None if found["scheme"] == STANDARD else Scheme(found["scheme"]), fee


ACCOUNT: Final = IdType(MerchantId)
PAYMENT: Final = IdType(PaymentId)
KEY: Final = IdType(ApiKeyId)
WEBHOOK: Final = IdType(WebhookEndpointId)
EVENT: Final = IdType(EventId)
AMOUNT: Final = AmountType()
DAY: Final = DayType()
FEE: Final = FeeType()


def minor_of(amount: Decimal, currency: Currency, option: str) -> int:
    """An amount in minor units of a currency; one that the currency cannot spell is wrong usage of the option."""
    minor = amount.scaleb(currency.exponent)
    if minor != minor.to_integral_value() or minor > AMOUNT_MAX_MINOR:
        raise click.BadParameter(f"{amount} is not an amount of {currency}", param_hint=f"'{option}'")
    return int(minor)


def data_option(command: Decorated) -> Decorated:
    """Whose data."""
    return click.option(
        "--data",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        help="The data folder, also of a service that is running. Without it: FINTECH_DATABASE_URL.",
    )(command)


def mode_option(command: Decorated) -> Decorated:
    """Which books."""
    return click.option("--live/--test", "livemode", default=False, help="Which books: test is the default.")(
        command
    )


def json_option(command: Decorated) -> Decorated:
    """For programs."""
    return click.option("--json", "as_json", is_flag=True, help="JSON for programs; amounts in minor units.")(
        command
    )


def actor_options(default_why: str | None) -> Callable[[Decorated], Decorated]:
    """Who acts and why; without a default the reason has to be given."""

    needed: dict[str, Any] = {"required": True} if default_why is None else {"default": default_why}

    def decorate(command: Decorated) -> Decorated:
        why = click.option(
            "--why",
            **needed,
            callback=bounded(WHY_MAX),
            metavar="TEXT",
            help="The reason, kept with the event.",
        )
        name = click.option(
            "--as",
            "acting",
            default=_os_user,
            callback=bounded(NAME_MAX),
            metavar="NAME",
            help="Who acts, if not the user of this system.",
        )
        return why(name(command))

    return decorate


def actor_of(acting: str, why: str, idempotency_key: str | None = None) -> Actor:
    """Who acts, by this door."""
    return Actor(acting, Face.CLI, why, key=idempotency_key)


def bounded(most: int) -> Callable[[click.Context, click.Parameter, str], str]:
    """One line of text that is going to be kept."""

    def check(_ctx: click.Context, param: click.Parameter, value: str) -> str:
        text = value.strip()
        if not 0 < len(text) <= most or not text.isprintable():
            raise click.BadParameter(f"is one line of 1 to {most} characters", param=param)
        if shows_card_number(text):
            raise click.BadParameter("looks like a card number, which is never kept", param=param)
        return text

    return check


def _os_user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
