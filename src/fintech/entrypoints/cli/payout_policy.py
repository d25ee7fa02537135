"""``fintech payout-policy``: when a merchant is paid out, and the terms of its instant payouts."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import click
from attrs import evolve, fields_dict, frozen

from fintech.application.balance_settings import load_settings
from fintech.application.commits import NotFound
from fintech.domain.balance_settings import BalanceSettings, InstantPolicy, Interval, Schedule
from fintech.domain.ids import MerchantId
from fintech.domain.money import Currency, format_minor
from fintech.domain.outcome import Failure
from fintech.domain.scope import Scope
from fintech.entrypoints.cli.options import (
    ACCOUNT,
    AMOUNT_OR_NOTHING,
    actor_of,
    actor_options,
    data_option,
    json_option,
    minor_of,
    mode_option,
)
from fintech.entrypoints.cli.printing import in_sydney, iso, print_facts, print_json
from fintech.entrypoints.cli.working import granted, request_of, work
from fintech.entrypoints.container import Core

OPERATION = "cli payout-policy set"
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")


@frozen
class Found:
    """A merchant's settings, and the currency that they are in."""

    settings: BalanceSettings
    currency: Currency


@click.group("payout-policy")
def payout_policy() -> None:
    """Show and set how a merchant is paid out."""


@payout_policy.command()
@click.argument("account", type=ACCOUNT)
@mode_option
@data_option
@json_option
def show(account: MerchantId, livemode: bool, data: Path | None, as_json: bool) -> None:
    """Show when a merchant is paid out, and what instant payouts may come to and cost."""
    scope = Scope(account, livemode)
    _show(work(data, lambda core: _found(core, scope)), as_json=as_json)


@payout_policy.command("set")
@click.argument("account", type=ACCOUNT)
@click.option("--interval", type=click.Choice([each.value for each in Interval]), help="How often.")
@click.option("--weekday", type=click.Choice(WEEKDAYS), help="For a weekly interval.")
@click.option("--day", type=click.IntRange(1, 31), help="Of the month, for a monthly interval.")
@click.option("--minimum", type=AMOUNT_OR_NOTHING, help="What scheduled payouts leave in the balance.")
@click.option(
    "--share-bps", type=int, help="The share of unsettled money that may be advanced: 8000 is 80 %."
)
@click.option("--fee-bps", type=int, help="What an instant payout costs: 150 is 1.5 %, and GST on it.")
@click.option("--fee-min", type=AMOUNT_OR_NOTHING, help="The least that it costs.")
@click.option("--payout-min", type=AMOUNT_OR_NOTHING, help="The least instant payout.")
@click.option("--payout-max", type=AMOUNT_OR_NOTHING, help="The largest.")
@click.option("--day-max", type=AMOUNT_OR_NOTHING, help="How much on one Sydney day.")
@click.option("--day-count-max", type=int, help="How many on one Sydney day.")
@click.option("--cool-off-h", type=int, help="How many hours they stop after the bank account changed.")
@mode_option
@data_option
@actor_options(None)
@json_option
def set_(
    account: MerchantId,
    interval: str | None,
    weekday: str | None,
    day: int | None,
    minimum: Decimal | None,
    livemode: bool,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
    **terms: int | Decimal | None,
) -> None:
    """Set what is given; the rest stays as it is."""
    if (weekday or day) and interval is None:
        raise click.UsageError("--weekday and --day are for an --interval")
    scope = Scope(account, livemode)
    schedule = Schedule(
        interval=Interval(interval or Interval.MANUAL),
        weekday=WEEKDAYS.index(weekday) if weekday else None,
        day=day,
    )

    async def body(core: Core) -> Found:
        found = await _found(core, scope)
        if interval is not None or minimum is not None:
            kept = None if minimum is None else minor_of(minimum, found.currency, "--minimum")
            request = request_of(core, OPERATION, (), acting, why, None)
            changed = core.change_balance_settings()
            granted(
                await changed(request, scope, schedule=schedule if interval else None, minimum_minor=kept)
            )
        policy = _policy(found, terms)
        if policy != found.settings.instant:
            granted(await core.change_instant_policy()(actor_of(acting, why), scope, policy))
        return await _found(core, scope)

    _show(work(data, body), as_json=as_json)


def _policy(found: Found, terms: dict[str, int | Decimal | None]) -> InstantPolicy:
    """The policy with the terms that are given; amounts are given as people write them."""
    changes: dict[str, Any] = {}
    for name, given in terms.items():
        if isinstance(given, Decimal):
            changes[f"{name}_minor"] = minor_of(given, found.currency, f"--{name.replace('_', '-')}")
        elif given is not None:
            changes[name] = given
    return evolve(found.settings.instant, **changes)


async def _found(core: Core, scope: Scope) -> Found:
    merchant = await core.store().merchant(scope)
    if merchant is None:
        return granted(Failure(NotFound("merchant", scope.merchant)))
    return Found(await load_settings(core.store(), scope, core.clock().now()), merchant.currency)


def _show(found: Found, *, as_json: bool) -> None:
    settings, instant = found.settings, found.settings.instant
    if as_json:
        print_json(_fields(found))
        return

    def money(minor: int) -> str:
        return f"{format_minor(minor, found.currency)} {found.currency}"

    def share(bps: int) -> str:
        return f"{bps // 100}.{bps % 100:02d} %"

    print_facts(
        [
            ("paid out", _words(settings.schedule)),
            ("next", in_sydney(settings.due_at) if settings.due_at else "when it is asked for"),
            ("stays in the balance", money(settings.minimum_minor)),
            ("to", settings.destination or "no bank account yet"),
            ("instant: of what is unsettled", share(instant.share_bps)),
            ("instant: costs", f"{share(instant.fee_bps)}, at least {money(instant.fee_min_minor)}, and tax"),
            (
                "instant: one payout",
                f"{money(instant.payout_min_minor)} to {money(instant.payout_max_minor)}",
            ),
            ("instant: a day", f"{money(instant.day_max_minor)} in {instant.day_count_max}"),
            ("instant: rests after a change of account", f"{instant.cool_off_h} h"),
        ]
    )


def _words(schedule: Schedule) -> str:
    if schedule.weekday is not None:
        return f"{schedule.interval}, on {WEEKDAYS[schedule.weekday]}"
    return f"{schedule.interval}, on day {schedule.day}" if schedule.day else schedule.interval.value


def _fields(found: Found) -> dict[str, Any]:
    settings, schedule = found.settings, found.settings.schedule
    return {
        "currency": found.currency,
        "interval": schedule.interval,
        "weekday": None if schedule.weekday is None else WEEKDAYS[schedule.weekday],
        "day": schedule.day,
        "next_payout_at": iso(settings.due_at),
        "minimum_minor": settings.minimum_minor,
        "destination": settings.destination,
        "instant": {name: getattr(settings.instant, name) for name in fields_dict(InstantPolicy)},
    }
