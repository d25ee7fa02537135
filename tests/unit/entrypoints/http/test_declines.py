"""Declines that were kept before there was anything to tell of them."""

from datetime import UTC, datetime

import pytest

from fintech.domain.payments.attempt import Increment, IncrementStatus
from fintech.entrypoints.http.declines import failure_of_increment


def increment(status: IncrementStatus) -> Increment:
    return Increment(number=1, amount_minor=5, status=status, sent_at=datetime(2026, 11, 23, tzinfo=UTC))


def test_a_decline_that_was_not_kept_is_a_generic_one() -> None:
    failure = failure_of_increment(increment(IncrementStatus.DECLINED))
    assert failure is not None
    assert (failure.code, failure.details()) == ("card_declined", {"decline_code": "generic_decline"})


@pytest.mark.parametrize("status", sorted(set(IncrementStatus) - {IncrementStatus.DECLINED}))
def test_what_was_not_declined_did_not_fail(status: IncrementStatus) -> None:
    assert failure_of_increment(increment(status)) is None
