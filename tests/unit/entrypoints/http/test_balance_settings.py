from typing import Any

import pytest

from fintech.domain.merchants import Standing
from tests.unit.entrypoints.http.driving import OFFICER, Api

SETTINGS = "/v1/balance_settings"


def payouts(body: Any) -> Any:
    return body["payments"]["payouts"]


async def test_who_has_said_nothing_is_paid_out_when_it_asks(api: Api) -> None:
    assert (await api.get(SETTINGS)).body == {
        "object": "balance_settings",
        "payments": {
            "debit_negative_balances": False,
            "payouts": {
                "minimum_balance_by_currency": None,
                "schedule": {"interval": "manual"},
                "statement_descriptor": None,
                "status": "disabled",
            },
            "settlement_timing": {"delay_days": 1, "start_of_day": None},
        },
    }


@pytest.mark.parametrize(
    ("asked", "schedule"),
    [
        ({"interval": "daily"}, {"interval": "daily"}),
        (
            {"interval": "weekly", "weekly_payout_days": ["friday"]},
            {"interval": "weekly", "weekly_payout_days": ["friday"]},
        ),
        ({"weekly_payout_days": ["monday"]}, {"interval": "weekly", "weekly_payout_days": ["monday"]}),
        (
            {"interval": "monthly", "monthly_payout_days": [31]},
            {"interval": "monthly", "monthly_payout_days": [31]},
        ),
        ({"monthly_payout_days": [1]}, {"interval": "monthly", "monthly_payout_days": [1]}),
    ],
)
async def test_a_schedule_is_kept(api: Api, asked: dict[str, Any], schedule: dict[str, Any]) -> None:
    reply = await api.post(SETTINGS, {"payments": {"payouts": {"schedule": asked}}})
    assert payouts(reply.body)["schedule"] == schedule
    assert (await api.get(SETTINGS)).body == reply.body


async def test_a_minimum_is_kept_and_given_up(api: Api) -> None:
    form = {"payments": {"payouts": {"minimum_balance_by_currency": {"aud": 5_000}}}}
    assert payouts((await api.post(SETTINGS, form)).body)["minimum_balance_by_currency"] == {"aud": 5_000}
    other = {"payments": {"payouts": {"schedule": {"interval": "daily"}}}}
    assert payouts((await api.post(SETTINGS, other)).body)["minimum_balance_by_currency"] == {"aud": 5_000}
    for none in (
        "payments[payouts][minimum_balance_by_currency]=",
        "payments[payouts][minimum_balance_by_currency][aud]=",
    ):
        await api.post(SETTINGS, form)
        assert payouts((await api.post(SETTINGS, none)).body)["minimum_balance_by_currency"] is None


async def test_payouts_are_enabled_for_who_may_be_paid_and_where(api: Api) -> None:
    await api.bank_account()
    assert payouts((await api.get(SETTINGS)).body)["status"] == "enabled"
    (await api.core.place_merchant()(OFFICER, api.shop.scope, Standing.SUSPENDED)).unwrap()
    assert payouts((await api.get(SETTINGS)).body)["status"] == "disabled"


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"schedule": {}}, None),
        ({"schedule": {"interval": "hourly"}}, "payments[payouts][schedule][interval]"),
        ({"schedule": {"interval": "weekly"}}, "payments[payouts][schedule][weekly_payout_days]"),
        ({"schedule": {"interval": "monthly"}}, "payments[payouts][schedule][monthly_payout_days]"),
        (
            {"schedule": {"interval": "daily", "weekly_payout_days": ["monday"]}},
            "payments[payouts][schedule][weekly_payout_days]",
        ),
        (
            {"schedule": {"interval": "weekly", "weekly_payout_days": ["monday", "friday"]}},
            "payments[payouts][schedule][weekly_payout_days]",
        ),
        (
            {"schedule": {"interval": "weekly", "weekly_payout_days": ["sunday"]}},
            "payments[payouts][schedule][weekly_payout_days][0]",
        ),
        (
            {"schedule": {"monthly_payout_days": [32]}},
            "payments[payouts][schedule][monthly_payout_days][0]",
        ),
        (
            {"minimum_balance_by_currency": {"nzd": 1}},
            "payments[payouts][minimum_balance_by_currency]",
        ),
        (
            {"minimum_balance_by_currency": {"xxx": 1}},
            "payments[payouts][minimum_balance_by_currency][xxx]",
        ),
        (
            {"minimum_balance_by_currency": {"aud": -1}},
            "payments[payouts][minimum_balance_by_currency][aud]",
        ),
        (
            {"minimum_balance_by_currency": {"aud": 10**12}},
            "payments[payouts][minimum_balance_by_currency]",
        ),
        ({"minimum_balance_by_currency": "5000"}, "payments[payouts][minimum_balance_by_currency]"),
        ({"statement_descriptor": "x"}, "payments[payouts][statement_descriptor]"),
    ],
)
async def test_what_makes_no_sense_is_refused_by_name(
    api: Api, asked: dict[str, Any], param: str | None
) -> None:
    reply = await api.post(SETTINGS, {"payments": {"payouts": asked}})
    if param is None:  # nothing is said, so nothing is changed
        assert payouts(reply.body)["schedule"] == {"interval": "manual"}
        return
    assert (reply.status, reply.error["param"]) == (400, param)


async def test_a_schedule_needs_an_interval(api: Api) -> None:
    reply = await api.post(SETTINGS, "payments[payouts][schedule][weekly_payout_days][]=")
    assert reply.status == 400


async def test_a_repeat_is_answered_as_the_first_time(api: Api) -> None:
    form = {"payments": {"payouts": {"schedule": {"interval": "daily"}}}}
    first = await api.post(SETTINGS, form, Idempotency_Key="daily")
    await api.post(SETTINGS, {"payments": {"payouts": {"schedule": {"interval": "manual"}}}})
    again = await api.post(SETTINGS, form, Idempotency_Key="daily")
    assert (again.body, again.headers["Idempotent-Replayed"]) == (first.body, "true")
