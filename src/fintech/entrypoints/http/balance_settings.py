"""Balance settings on the wire: when a merchant is paid out, and how much is kept."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from attrs import frozen

from fintech.application.balance_settings import ChangeBalanceSettings, load_settings
from fintech.domain.balance_settings import BalanceSettings, Interval, Schedule
from fintech.domain.merchants import Merchant, Standing
from fintech.domain.money import AMOUNT_MAX_MINOR, Currency
from fintech.domain.outcome import Failure
from fintech.entrypoints.http.errors import Refused, invalid, missing, spoken
from fintech.entrypoints.http.forms import Value
from fintech.entrypoints.http.kinds import Integer, Many, Nested, words
from fintech.entrypoints.http.parameters import Kind, Nothing
from fintech.entrypoints.http.payment_params import CURRENCY
from fintech.entrypoints.http.payout_refusals import payout_problem
from fintech.entrypoints.http.routes import Answer, Call, Resource, Route
from fintech.entrypoints.http.schema import (
    FLAG,
    INTEGER,
    NULL,
    TEXT,
    Schema,
    array,
    const,
    maybe,
    members,
    one_of,
)
from fintech.ports.clock import Clock
from fintech.ports.store import Store

PATH: Final = "/v1/balance_settings"
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday")

_SETTINGS: Final = Resource("balance_settings", "balance_settings")
_MINIMUM: Final = Integer(0, AMOUNT_MAX_MINOR)
_MINIMUM_PATH: Final = "payments[payouts][minimum_balance_by_currency]"
_SCHEDULE_PATH: Final = "payments[payouts][schedule]"

SCHEMA: Final[Schema] = members(
    {
        "object": const("balance_settings"),
        "payments": members(
            {
                "debit_negative_balances": FLAG,
                "payouts": members(
                    {
                        "minimum_balance_by_currency": maybe(
                            {"type": "object", "additionalProperties": INTEGER}
                        ),
                        "schedule": members(
                            {
                                "interval": one_of(*Interval),
                                "monthly_payout_days": array(INTEGER),
                                "weekly_payout_days": array(one_of(*WEEKDAYS)),
                            },
                            optional=("monthly_payout_days", "weekly_payout_days"),
                        ),
                        "statement_descriptor": maybe(TEXT),
                        "status": one_of("disabled", "enabled"),
                    }
                ),
                "settlement_timing": members({"delay_days": INTEGER, "start_of_day": NULL}),
            }
        ),
    }
)


@frozen
class _ByCurrency(Kind[Mapping[Currency, int]]):
    """An object of amounts in minor units by currency. An empty one, or an empty text for all, is none."""

    def read(self, value: Value, path: str) -> Mapping[Currency, int]:
        if not value:
            return dict.fromkeys(Currency, 0)
        if not isinstance(value, dict):
            raise invalid(
                path, "parameter_invalid_value", f"{spoken(path)} is an object of amounts by currency."
            )
        return {
            CURRENCY.read(name, f"{path}[{name}]"): _MINIMUM.read(amount, f"{path}[{name}]") if amount else 0
            for name, amount in value.items()
        }

    def schema(self) -> dict[str, Any]:
        amounts = dict.fromkeys(CURRENCY.values, _MINIMUM.schema())
        return {"type": "object", "properties": amounts, "additionalProperties": False}


@frozen(kw_only=True)
class ScheduleParams:
    """How often what is available is paid out without being asked for."""

    interval: Annotated[Interval | None, words(*Interval), "How often."] = None
    monthly_payout_days: Annotated[
        tuple[int, ...],
        Many(Integer(1, 31), 1),
        "The day of the month; short months use their last. For a monthly interval.",
    ] = ()
    weekly_payout_days: Annotated[
        tuple[str, ...], Many(words(*WEEKDAYS), 1), "The day of the week. For a weekly interval."
    ] = ()


@frozen(kw_only=True)
class PayoutsParams:
    """Changes of how a merchant is paid out."""

    schedule: Annotated[ScheduleParams | None, Nested(ScheduleParams), "When."] = None
    minimum_balance_by_currency: Annotated[
        Mapping[Currency, int] | None, _ByCurrency(), "What scheduled payouts leave in the balance."
    ] = None


@frozen(kw_only=True)
class PaymentsParams:
    """Changes of the balance that payments make up."""

    payouts: Annotated[PayoutsParams | None, Nested(PayoutsParams), "How it is paid out."] = None


@frozen(kw_only=True)
class UpdateParams:
    """Changes of balance settings."""

    payments: Annotated[PaymentsParams | None, Nested(PaymentsParams), "The one balance that there is."] = (
        None
    )

    def asked(self) -> PayoutsParams:
        """What is asked for, or nothing."""
        return (self.payments and self.payments.payouts) or PayoutsParams()


def render_balance_settings(
    settings: BalanceSettings, currency: Currency | None = None, *, enabled: bool = True
) -> dict[str, Any]:
    """Balance settings. ``enabled``: the merchant may be paid out. An event does not know the currency, and so does not
    tell the minimum."""
    schedule: dict[str, Any] = {"interval": settings.schedule.interval.value}
    if settings.schedule.day is not None:
        schedule["monthly_payout_days"] = [settings.schedule.day]
    if settings.schedule.weekday is not None:
        schedule["weekly_payout_days"] = [WEEKDAYS[settings.schedule.weekday]]
    kept = settings.minimum_minor
    return {
        "object": "balance_settings",
        "payments": {
            "debit_negative_balances": False,
            "payouts": {
                "minimum_balance_by_currency": {currency.value.lower(): kept} if kept and currency else None,
                "schedule": schedule,
                "statement_descriptor": None,
                "status": "enabled" if enabled and settings.destination else "disabled",
            },
            "settlement_timing": {"delay_days": 1, "start_of_day": None},
        },
    }


@frozen(kw_only=True)
class PayoutSettings:
    """The operations on balance settings."""

    change: ChangeBalanceSettings
    store: Store
    clock: Clock

    def routes(self) -> tuple[Route[Any], ...]:
        """Their table."""
        return (
            _SETTINGS.get("retrieve", PATH, Nothing, self.retrieve, "Retrieve how you are paid out."),
            _SETTINGS.post("update", PATH, UpdateParams, self.update, "Change when you are paid out."),
        )

    async def retrieve(self, call: Call[Nothing]) -> Answer:
        settings = await load_settings(self.store, call.scope, self.clock.now())
        return Answer(_rendered(settings, await self._merchant(call)))

    async def update(self, call: Call[UpdateParams]) -> Answer:
        merchant, asked = await self._merchant(call), call.params.asked()
        outcome = await self.change(
            call.request,
            call.scope,
            schedule=_schedule(asked.schedule) if asked.schedule else None,
            minimum_minor=_minimum(asked.minimum_balance_by_currency, merchant.currency),
        )
        if isinstance(outcome, Failure):
            raise Refused(payout_problem(outcome.failure()))
        reply = outcome.unwrap()
        return Answer(_rendered(reply.value, merchant), replayed=reply.replayed)

    async def _merchant(self, call: Call[Any]) -> Merchant:
        merchant = await self.store.merchant(call.scope)
        if merchant is None:
            raise missing("account", call.scope.merchant, "account")
        return merchant


def _rendered(settings: BalanceSettings, merchant: Merchant) -> dict[str, Any]:
    enabled = merchant.standing is Standing.ACTIVE
    return render_balance_settings(settings, merchant.currency, enabled=enabled)


def _minimum(amounts: Mapping[Currency, int] | None, currency: Currency) -> int | None:
    """What shall be kept, in the merchant's own currency."""
    if amounts is None or currency in amounts:
        return amounts[currency] if amounts else None
    raise invalid(
        _MINIMUM_PATH, "currency_not_supported", f"This account is paid out in {currency.lower()} only."
    )


def _schedule(params: ScheduleParams) -> Schedule:
    """The schedule that is asked for. Days without an interval are of the interval that they are for."""
    weekly, monthly = params.weekly_payout_days, params.monthly_payout_days
    interval = params.interval or (Interval.WEEKLY if weekly else Interval.MONTHLY if monthly else None)
    if interval is None:
        raise invalid(
            _SCHEDULE_PATH, "parameter_missing", f"Missing required param: {_SCHEDULE_PATH}[interval]."
        )
    return Schedule(
        interval=interval,
        weekday=WEEKDAYS.index(weekly[0]) if weekly else None,
        day=monthly[0] if monthly else None,
    )
