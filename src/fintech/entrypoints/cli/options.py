"""What many commands take: whose data, which mode, who acts and why, and what a word on the command line means."""

import os
import pwd
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import click

from fintech.domain.abn import Abn
from fintech.domain.business_days import sydney_day
from fintech.domain.card_numbers import shows_card_number
from fintech.domain.cards import Scheme
from fintech.domain.changeset import KEY_MAX
from fintech.domain.ids import (
    ApiKeyId,
    BankAccountId,
    EventId,
    Id,
    MerchantId,
    PaymentId,
    PayoutId,
    WebhookEndpointId,
)
from fintech.domain.merchants import SchemeFee
from fintech.domain.money import AMOUNT_MAX_MINOR, Currency
from fintech.domain.periods import Period
from fintech.domain.scope import Actor, Face

WHY_MAX: Final = 500
NAME_MAX: Final = 100

AnyId = TypeVar("AnyId", bound=Id)
Decorated = TypeVar("Decorated", bound=Callable[..., Any])

_AMOUNT: Final = re.compile(r"\d{1,13}(\.\d{1,2})?", re.ASCII)
_FEE: Final = re.compile(r"(?P<scheme>[a-z_]+)=(?P<rate>\d{1,5})(\+(?P<fixed>\d{1,5}))?", re.ASCII)
_TIME: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)
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
    """A positive amount as people write it, exactly: never a float on the way. ``nothing``: it may be 0 as well."""

    name = "12.34"

    def __init__(self, *, nothing: bool = False) -> None:
        self._nothing = nothing

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        """The number that the text spells."""
        if isinstance(value, Decimal):
            return value
        text = str(value)
        if not _AMOUNT.fullmatch(text) or not (self._nothing or Decimal(text)):
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


class TimeType(click.ParamType):  # type: ignore[type-arg] # the same
    """A time of day in Sydney."""

    name = "hh:mm"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> time:
        """The time that the text spells."""
        if isinstance(value, time):
            return value
        if not _TIME.fullmatch(str(value)):
            self.fail(f"{value!r} is not a time: 00:00 to 23:59", param, ctx)
        return time.fromisoformat(str(value))


class MonthType(click.ParamType):  # type: ignore[type-arg] # the same
    """A month in Sydney."""

    name = "month"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Period:
        """The month that the text spells: ``2026-11``."""
        if isinstance(value, Period):
            return value
        month = Period.parse(str(value))
        if month is None or len(str(value)) != len("2026-11"):
            self.fail(f"{value!r} is not a month: 2026-11", param, ctx)
        return month


class AbnType(click.ParamType):  # type: ignore[type-arg] # the same
    """An Australian Business Number."""

    name = "abn"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Abn:
        """The number that the text spells."""
        abn = Abn.parse(str(value))
        if abn is None:
            self.fail("an ABN has eleven digits, the first two of which check the others", param, ctx)
        return abn


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


ABN: Final = AbnType()
ACCOUNT: Final = IdType(MerchantId)
PAYMENT: Final = IdType(PaymentId)
KEY: Final = IdType(ApiKeyId)
PAYOUT: Final = IdType(PayoutId)
BANK_ACCOUNT: Final = IdType(BankAccountId)
WEBHOOK: Final = IdType(WebhookEndpointId)
EVENT: Final = IdType(EventId)
AMOUNT: Final = AmountType()
AMOUNT_OR_NOTHING: Final = AmountType(nothing=True)
DAY: Final = DayType()
TIME: Final = TimeType()
MONTH: Final = MonthType()
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


def output_option(command: Decorated) -> Decorated:
    """Where to."""
    return click.option(
        "--output",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Write a file, instead of to standard output.",
    )(command)


def json_option(command: Decorated) -> Decorated:
    """For programs."""
    return click.option("--json", "as_json", is_flag=True, help="JSON for programs; amounts in minor units.")(
        command
    )


def key_option(command: Decorated) -> Decorated:
    """A name for a request."""
    return click.option(
        "--idempotency-key",
        callback=lambda ctx, param, value: value and bounded(KEY_MAX)(ctx, param, value),
        metavar="TEXT",
        help="The same key again is answered as the first time, and nothing is done twice.",
    )(command)


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
            default=os_user,
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


def if_given(
    check: Callable[[click.Context, click.Parameter, str], str],
) -> Callable[[click.Context, click.Parameter, str | None], str | None]:
    """The same check of an option that may be left out."""

    def check_if_given(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
        return None if value is None else check(ctx, param, value)

    return check_if_given


def os_user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
