from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from fintech.application.commits import NotFound
from fintech.application.payouts.asking import BankMissing
from fintech.domain.balance_settings import SettingsFault
from fintech.domain.bank_accounts import BankAccountFault, DefaultAccount
from fintech.domain.changeset import CommitRefused, StaleWrite
from fintech.domain.ids import PayoutId
from fintech.domain.keys.refusals import CustodyReason, CustodyRefused
from fintech.domain.metadata import TooManyKeys
from fintech.domain.payments.refusals import (
    AmountTooLarge,
    AmountTooSmall,
    CurrencyNotSupported,
    MerchantMayNot,
    MerchantReason,
    TooMany,
)
from fintech.domain.payouts.payout import PayoutStatus
from fintech.domain.payouts.refusals import (
    BalanceInsufficient,
    CoolingOff,
    DestinationMissing,
    InstantLimit,
    InstantLimitReached,
    NotDue,
    NotReversible,
    PayoutWrongStatus,
)
from fintech.domain.remittances import PayoutsTooFrequent
from fintech.entrypoints.http.errors import ErrorType
from fintech.entrypoints.http.payout_refusals import AnyPayoutRefusal, payout_problem

AT = datetime(2026, 11, 23, tzinfo=UTC)
PAYOUT = PayoutId("po_" + "0" * 24)

REFUSALS: list[tuple[AnyPayoutRefusal, int, str, str | None]] = [
    (BalanceInsufficient(7), 400, "balance_insufficient", "amount"),
    (InstantLimitReached(InstantLimit.AMOUNT, 7), 400, "instant_payouts_limit_exceeded", "amount"),
    (InstantLimitReached(InstantLimit.COUNT, 0), 400, "instant_payouts_limit_exceeded", "method"),
    (CoolingOff(AT), 400, "instant_payouts_unsupported", "method"),
    (DestinationMissing(), 400, "bank_account_unusable", "destination"),
    (DefaultAccount(), 400, "bank_account_unusable", "id"),
    (PayoutWrongStatus(PayoutStatus.IN_TRANSIT, "cancel"), 400, "payout_unexpected_state", None),
    (NotReversible(PAYOUT), 400, "payout_not_reversible", None),
    (NotReversible(None), 400, "payout_not_reversible", None),
    (NotDue(), 400, "payout_not_due", None),
    (MerchantMayNot(MerchantReason.SUSPENDED), 403, "payouts_not_allowed", None),
    (BankMissing(livemode=True), 403, "payouts_not_allowed", None),
    (PayoutsTooFrequent(128), 400, "payouts_limit_exceeded", None),
    (AmountTooSmall(500), 400, "amount_too_small", "amount"),
    (AmountTooLarge(500), 400, "amount_too_large", "amount"),
    (CurrencyNotSupported("AUD"), 400, "currency_not_supported", "currency"),
    (TooManyKeys(50), 400, "limit_reached", "metadata"),
    (TooMany("bank accounts", 20), 400, "limit_reached", "external_account"),
    (BankAccountFault("bsb", "is six digits"), 400, "routing_number_invalid", "external_account[routing_number]"),
    (BankAccountFault("number", "is digits"), 400, "account_number_invalid", "external_account[account_number]"),
    (BankAccountFault("holder", "is a name"), 400, "parameter_invalid_value", "external_account[account_holder_name]"),
    (SettingsFault("day", "is 1 to 31"), 400, "parameter_invalid_value", "payments[payouts][schedule][monthly_payout_days]"),
    (SettingsFault("share_bps", "is 0 to 10000"), 400, "parameter_invalid_value", "share_bps"),
    (NotFound("payout", "po_1"), 404, "resource_missing", "payout"),
    (NotFound("bank_account", "ba_1"), 404, "resource_missing", "id"),
    (StaleWrite(PAYOUT, 3), 409, "lock_timeout", None),
    (CustodyRefused(CustodyReason.REVOKED), 403, "merchant_key_revoked", None),
]  # fmt: skip


@pytest.mark.parametrize(("refused", "status", "code", "param"), REFUSALS)
def test_a_refusal_has_its_words(
    refused: AnyPayoutRefusal, status: int, code: str, param: str | None
) -> None:
    problem = payout_problem(refused)
    assert (problem.status, problem.code, problem.param) == (status, code, param)
    body = problem.body("https://docs.example")["error"]
    assert body["type"] in set(ErrorType)
    assert body["message"].endswith((".", "'"))


def test_none_is_forgotten() -> None:
    told: set[Any] = {type(refused) for refused, *_ in REFUSALS}
    assert told | set(get_args(CommitRefused)) == set(get_args(AnyPayoutRefusal))
