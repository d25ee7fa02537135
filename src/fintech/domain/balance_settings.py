"""How a merchant is paid out: when, to which account, and how much of it at once."""

from datetime import date, datetime
from enum import StrEnum
from typing import Final

from attrs import frozen

from fintech.domain.evolving import evolve
from fintech.domain.ids import BalanceSettingsId, BankAccountId, MerchantId, MovementId, RemittanceId
from fintech.domain.tax import TaxCode


class Interval(StrEnum):
    """How often what is available is paid out without being asked for."""

    MANUAL = "manual"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


@frozen(kw_only=True)
class Schedule:
    """``weekday`` counts from Monday (0), ``day`` is a day of the month (1 to 31; short months use their last)."""

    interval: Interval
    weekday: int | None = None
    day: int | None = None


@frozen(kw_only=True)
class InstantPolicy:
    """What an instant payout may come to and costs. Amounts in minor units, shares and rates in basis points.

    ``share_bps`` is the share of unsettled money that may be advanced. ``day_max_minor`` and ``day_count_max`` bind
    what is asked for on one Sydney day. ``cool_off_h`` is how long instant payouts stop after the bank account changed.
    """

    share_bps: int
    fee_bps: int
    fee_min_minor: int
    payout_min_minor: int
    payout_max_minor: int
    day_max_minor: int
    day_count_max: int
    cool_off_h: int
    tax_code: TaxCode


#: An Australian price list: 1.5 %, at least 0.50, up to 5,000.00 and ten a day (Stripe and Square ask as much).
DEFAULT_INSTANT: Final = InstantPolicy(
    share_bps=8_000,
    fee_bps=150,
    fee_min_minor=50,
    payout_min_minor=5_00,
    payout_max_minor=5_000_00,
    day_max_minor=5_000_00,
    day_count_max=10,
    cool_off_h=24,
    tax_code=TaxCode.GST,
)


@frozen(kw_only=True)
class Remitted:
    """How far payouts have come in the merchant's lines: what the next remittance goes on from.

    No line up to ``closed`` is looked at again: by then each was paid for, and too much time had gone by for another one
    to be committed. ``recent`` are the remittances with lines after it. ``split`` is the line that was paid for in part,
    and ``left_minor`` the rest of it.
    """

    closed: MovementId | None = None
    split: MovementId | None = None
    left_minor: int = 0
    recent: tuple[RemittanceId, ...] = ()


NOTHING_REMITTED: Final = Remitted()


@frozen(kw_only=True, slots=False)
class BalanceSettings:
    """One for each merchant and mode. Every payout saves it, so that no two are decided on the same lines."""

    id: BalanceSettingsId
    version: int
    created_at: datetime
    instant: InstantPolicy
    schedule: Schedule
    minimum_minor: int  #: what scheduled payouts leave available
    remitted: Remitted
    destination: BankAccountId | None = None
    destination_since: datetime | None = None
    next_payout_on: date | None = None
    due_at: datetime | None = None


#: What the back office may set: the least and the most of each number of `InstantPolicy`.
POLICY_BOUNDS: Final = {
    "share_bps": (0, 10_000),
    "fee_bps": (0, 1_000),
    "fee_min_minor": (0, 100_00),
    "payout_min_minor": (1, 1_000_000_00),
    "payout_max_minor": (1, 1_000_000_00),
    "day_max_minor": (0, 10_000_000_00),
    "day_count_max": (0, 1_000),
    "cool_off_h": (0, 24 * 90),
}


@frozen
class SettingsFault:
    """What is wrong with what was asked for. ``field`` is the one that is wrong, ``rule`` what it has to be."""

    field: str
    rule: str


def default_settings(merchant: MerchantId, at: datetime) -> BalanceSettings:
    """How a merchant is paid out that has not said: when it asks for it."""
    return BalanceSettings(
        id=BalanceSettingsId.of(merchant),
        version=0,
        created_at=at,
        instant=DEFAULT_INSTANT,
        schedule=Schedule(interval=Interval.MANUAL),
        minimum_minor=0,
        remitted=NOTHING_REMITTED,
    )


def policy_fault(policy: InstantPolicy) -> SettingsFault | None:
    """The first number of a policy that is out of its bounds."""
    for name, (least, most) in POLICY_BOUNDS.items():
        if not least <= getattr(policy, name) <= most:
            return SettingsFault(name, f"is {least} to {most}")
    return None


def destined(settings: BalanceSettings, account: BankAccountId, at: datetime) -> BalanceSettings:
    """The merchant is paid to this account from now on. Its first one is no change, and starts no cool-off."""
    if settings.destination == account:
        return settings
    return evolve(settings, destination=account, destination_since=at if settings.destination else None)
