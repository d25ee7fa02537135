"""The life of a delivery: again and again over three days, and not one time more."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fintech.domain.ids import EventId, WebhookEndpointId
from fintech.domain.webhooks.delivery import (
    LOG_MAX,
    RETRY_DELAYS,
    Delivery,
    DeliveryStatus,
    DeliveryTry,
    TryFault,
    first_delivery,
)

NOW = datetime(2026, 11, 23, tzinfo=UTC)
NEW = first_delivery(WebhookEndpointId("we_" + "0" * 24), EventId("evt_" + "0" * 26), "refund.created", NOW)


def failing(at: datetime = NOW, status: int | None = 500) -> DeliveryTry:
    return DeliveryTry(at=at, duration_ms=7, status=status, fault=None if status else TryFault.TIMEOUT)


def test_the_schedule_is_three_days_at_most_and_gets_ever_slower() -> None:
    assert timedelta(days=2, hours=12) < sum(RETRY_DELAYS, timedelta()) <= timedelta(days=3)
    assert list(RETRY_DELAYS) == sorted(RETRY_DELAYS)
    assert RETRY_DELAYS[0] <= timedelta(seconds=10)


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_200_is_an_arrival(status: int) -> None:
    after = NEW.tried(failing(status=status), 0.5)
    assert (after.status, after.due_at, after.tries) == (DeliveryStatus.DELIVERED, None, 1)


@pytest.mark.parametrize("status", [None, 199, 300, 301, 400, 404, 410, 500])
def test_anything_else_is_tried_again(status: int | None) -> None:
    after = NEW.tried(failing(status=status), 1.0)
    assert (after.status, after.tries, after.step) == (DeliveryStatus.PENDING, 1, 1)
    assert after.due_at == NOW + RETRY_DELAYS[0]


@given(st.lists(st.floats(0, 1), min_size=len(RETRY_DELAYS) + 1, max_size=len(RETRY_DELAYS) + 1))
def test_it_fails_after_the_last_delay_and_within_three_days(jitters: list[float]) -> None:
    delivery, now = NEW, NOW
    for jitter in jitters:
        assert delivery.status is DeliveryStatus.PENDING
        assert delivery.due_at is not None
        assert now <= delivery.due_at
        now = delivery.due_at
        delivery = delivery.tried(failing(now), jitter)
    assert (delivery.status, delivery.due_at) == (DeliveryStatus.FAILED, None)
    assert now <= NOW + timedelta(days=3)
    assert (delivery.tries, len(delivery.log)) == (len(RETRY_DELAYS) + 1, LOG_MAX)
    assert delivery.log[-1].at == now


def test_again_is_now_with_all_retries_and_the_log_goes_on() -> None:
    failed = NEW.tried(failing(), 0).tried(failing(), 0)
    later = NOW + timedelta(days=9)
    for before in (failed, failed.tried(failing(status=200), 0), failed.canceled()):
        again = before.again(later)
        assert (again.status, again.due_at, again.step) == (DeliveryStatus.PENDING, later, 0)
        assert (again.tries, again.log) == (before.tries, before.log)


def test_a_step_that_there_is_not_is_a_bug() -> None:
    delivered: Delivery = NEW.tried(failing(status=200), 0)
    with pytest.raises(AssertionError, match="delivered -> canceled"):
        delivered.canceled()
    with pytest.raises(AssertionError, match="delivered -> delivered"):
        delivered.tried(failing(status=200), 0)
