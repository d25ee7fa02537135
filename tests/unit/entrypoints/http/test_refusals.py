from datetime import UTC, datetime
from typing import get_args

import pytest

from fintech.application.commits import NotFound
from fintech.application.payments.asking import AcquirerMissing
from fintech.domain.billing import BillingFault
from fintech.domain.cards import CardFault
from fintech.domain.changeset import (
    AccountClosed,
    AlreadyResolved,
    Expired,
    KeyAnswered,
    KeyInFlight,
    KeyReused,
    LimitReached,
    StaleWrite,
    UniqueTaken,
)
from fintech.domain.disputes.dispute import DisputeStatus, ErrandKind
from fintech.domain.disputes.evidence import EvidenceTooLong
from fintech.domain.disputes.news import NotTaken
from fintech.domain.disputes.responses import (
    ErrandOpen,
    EvidenceMissing,
    InquiryTakesNothing,
    NotAccepted,
    WrongDisputeStatus,
)
from fintech.domain.ids import DisputeId, EventId, MerchantId, TransferId
from fintech.domain.keys.refusals import CustodyReason, CustodyRefused
from fintech.domain.ledger import AccountId
from fintech.domain.metadata import TooManyKeys
from fintech.domain.money import Currency
from fintech.domain.payments.refusals import (
    AlreadyAnswered,
    AmountTooLarge,
    AmountTooSmall,
    AuthorisationExpired,
    ChargeDisputed,
    CurrencyNotSupported,
    MerchantMayNot,
    MerchantReason,
    MethodMissing,
    TooMany,
    WrongStatus,
)
from fintech.domain.refunds.refund import InsufficientFunds, RefundOver, RefundStatus
from fintech.domain.scope import Scope
from fintech.entrypoints.http.errors import ErrorType
from fintech.entrypoints.http.protection import PROTECTION, protection_of
from fintech.entrypoints.http.refusals import AnyRefusal, problem_of

SHOP = MerchantId("acct_" + "0" * 24)
ACCOUNT = AccountId(SHOP, "available", Currency.AUD)
TRANSFER = TransferId("tr_" + "0" * 28)
AT = datetime(2026, 11, 23, tzinfo=UTC)

REFUSALS: list[tuple[AnyRefusal, int, str]] = [
    (NotFound("payment", "pi_1"), 404, "resource_missing"),
    (NotFound("key", "key_1"), 404, "resource_missing"),
    (WrongStatus("succeeded", "cancel"), 400, "payment_intent_unexpected_state"),
    (WrongStatus("increment_open", "capture"), 400, "payment_intent_unexpected_state"),
    (AmountTooSmall(50), 400, "amount_too_small"),
    (AmountTooLarge(50), 400, "amount_too_large"),
    (CurrencyNotSupported("AUD"), 400, "currency_not_supported"),
    (MethodMissing(), 400, "payment_intent_unexpected_state"),
    (TooMany("attempts", 20), 400, "limit_reached"),
    (TooManyKeys(50), 400, "limit_reached"),
    (MerchantMayNot(MerchantReason.SUSPENDED), 403, "account_suspended"),
    (MerchantMayNot(MerchantReason.CLOSED), 403, "account_closed"),
    (AccountClosed(Scope(SHOP, livemode=False)), 403, "account_closed"),
    (AuthorisationExpired(), 400, "charge_expired_for_capture"),
    (Expired(TRANSFER), 400, "charge_expired_for_capture"),
    (InsufficientFunds(7), 400, "balance_insufficient"),
    (LimitReached(ACCOUNT, -7), 400, "balance_insufficient"),
    (RefundOver(RefundStatus.FAILED), 400, "refund_over"),
    (KeyInFlight("pi_1", AT), 409, "idempotency_key_in_use"),
    (KeyAnswered(EventId("evt_" + "0" * 26), None), 409, "idempotency_key_in_use"),
    (KeyReused("refunds.create"), 400, "idempotency_key_reused"),
    (StaleWrite("pi_1", 3), 409, "lock_timeout"),
    (AlreadyAnswered(), 409, "lock_timeout"),
    (AlreadyResolved(TRANSFER), 409, "lock_timeout"),
    (UniqueTaken("api_key_digest"), 400, "resource_already_exists"),
    (AcquirerMissing(livemode=True), 400, "testmode_charges_only"),
    (ChargeDisputed(DisputeId("dp_" + "0" * 24)), 400, "charge_disputed"),
    (WrongDisputeStatus(DisputeStatus.LOST, "close"), 400, "dispute_unexpected_state"),
    (ErrandOpen(ErrandKind.EVIDENCE), 409, "dispute_response_pending"),
    (EvidenceMissing(), 400, "dispute_evidence_missing"),
    (EvidenceTooLong(150_000), 400, "parameter_invalid_string_too_long"),
    (EvidenceTooLong(20_000, "uncategorized_text"), 400, "parameter_invalid_string_too_long"),
    (InquiryTakesNothing(), 400, "dispute_unexpected_state"),
    (NotAccepted(NotTaken.CASE_CLOSED), 400, "dispute_case_closed"),
    (NotAccepted(NotTaken.TOO_LATE), 400, "dispute_too_late"),
    (CardFault.INCORRECT_NUMBER, 402, "incorrect_number"),
    (CardFault.INVALID_EXPIRY_MONTH, 402, "invalid_expiry_month"),
    (CardFault.INVALID_EXPIRY_YEAR, 402, "invalid_expiry_year"),
    (CardFault.INVALID_CVC, 402, "invalid_cvc"),
    (CardFault.TEST_CARD_NEEDED, 402, "card_declined"),
    (BillingFault("email", "is an address"), 400, "email_invalid"),
    (BillingFault("address.city", "is a line"), 400, "parameter_invalid_value"),
    (CustodyRefused(CustodyReason.REVOKED), 403, "merchant_key_revoked"),
    (CustodyRefused(CustodyReason.SUSPENDED), 503, "custody_suspended"),
    (CustodyRefused(CustodyReason.UNREACHABLE), 503, "custody_unreachable"),
    (CustodyRefused(CustodyReason.INTEGRITY), 500, "data_integrity"),
    (CustodyRefused(CustodyReason.DESTROYED), 410, "merchant_data_destroyed"),
]


@pytest.mark.parametrize(("refused", "status", "code"), REFUSALS)
def test_a_refusal_has_its_words(refused: AnyRefusal, status: int, code: str) -> None:
    problem = problem_of(refused)
    assert (problem.status, problem.code) == (status, code)
    body = problem.body("https://docs.example")["error"]
    assert body["doc_url"] == f"https://docs.example/errors#{code}"
    assert body["type"] in set(ErrorType)
    assert body["message"].endswith((".", "'"))


def test_none_is_forgotten() -> None:
    told = {type(refused) for refused, _, _ in REFUSALS}
    assert told == set(get_args(AnyRefusal))


def test_busy_things_are_worth_another_try() -> None:
    assert problem_of(StaleWrite("pi_1", 3)).retry is True
    assert problem_of(KeyInFlight("pi_1", AT)).retry is True
    assert problem_of(KeyReused("refunds.create")).retry is False


def test_custody_says_when_it_is_worth_another_try() -> None:
    told = {reason: problem_of(CustodyRefused(reason)) for reason in CustodyReason}
    again = {reason: (problem.retry, problem.headers.get("Retry-After")) for reason, problem in told.items()}
    assert again == {
        CustodyReason.REVOKED: (False, None),
        CustodyReason.SUSPENDED: (True, "60"),
        CustodyReason.UNREACHABLE: (True, "5"),
        CustodyReason.INTEGRITY: (False, None),
        CustodyReason.DESTROYED: (False, None),
    }


def test_each_reason_has_its_word_on_what_is_held_back() -> None:
    words = [protection_of(CustodyRefused(reason)) for reason in CustodyReason]
    assert len(set(words)) == len(words)
    assert set(words) < set(PROTECTION["enum"])
