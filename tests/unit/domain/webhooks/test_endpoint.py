"""The life of an endpoint, its secrets, and when it is given up."""

from datetime import UTC, datetime, timedelta

import pytest

from fintech.domain.ids import WebhookEndpointId
from fintech.domain.metadata import TooManyKeys
from fintech.domain.outcome import Failure
from fintech.domain.webhooks.endpoint import (
    ALL_TYPES,
    OLD_SECRETS_MAX,
    PATIENCE,
    DisabledBecause,
    EndpointStatus,
    NotFailing,
    OldSecret,
    TooManySecrets,
    WebhookEndpoint,
)

NOW = datetime(2026, 11, 23, tzinfo=UTC)
HOUR = timedelta(hours=1)
ENDPOINT = WebhookEndpoint(
    id=WebhookEndpointId("we_" + "0" * 24),
    version=1,
    url="https://example.com/hooks",
    types=("refund.created",),
    status=EndpointStatus.ENABLED,
    secret_number=1,
    sealed_under="first",
    created_at=NOW,
)


def test_it_wants_what_it_says_or_everything() -> None:
    assert ENDPOINT.wants("refund.created")
    assert not ENDPOINT.wants("refund.updated")
    assert ENDPOINT.updated(NOW, types=ALL_TYPES).unwrap().wants("refund.updated")


def test_what_is_not_given_stays() -> None:
    described = ENDPOINT.updated(NOW, description="orders", metadata=(("a", "b"),)).unwrap()
    assert described.updated(NOW).unwrap() == described
    assert described.updated(NOW, description="").unwrap().description is None
    assert described.updated(NOW, metadata=(("a", ""),)).unwrap().metadata == ()
    full = tuple((str(each), "x") for each in range(51))
    assert ENDPOINT.updated(NOW, metadata=full) == Failure(TooManyKeys(50))


def test_the_new_secret_signs_with_the_old_one_until_its_end() -> None:
    rotated = ENDPOINT.rotated(NOW, HOUR, "second").unwrap()
    assert rotated.signing(NOW) == ("second", "first")
    assert rotated.signing(NOW + HOUR - timedelta(microseconds=1)) == ("second", "first")
    assert rotated.signing(NOW + HOUR) == ("second",)
    assert ENDPOINT.rotated(NOW, timedelta(), "second").unwrap().signing(NOW) == ("second",)


def test_few_old_secrets_sign_at_once() -> None:
    endpoint = ENDPOINT
    for minute in range(OLD_SECRETS_MAX):
        endpoint = endpoint.rotated(NOW + timedelta(minutes=minute), HOUR, f"of {minute}").unwrap()
    assert endpoint.rotated(NOW, HOUR, "next") == Failure(TooManySecrets(OLD_SECRETS_MAX, NOW + HOUR))
    assert endpoint.rotated(NOW, timedelta(), "next").unwrap().secret_number == OLD_SECRETS_MAX + 2
    later = endpoint.rotated(NOW + HOUR, HOUR, "next").unwrap()
    assert OldSecret(1, "first", NOW + HOUR) not in later.old_secrets
    assert len(later.old_secrets) == OLD_SECRETS_MAX


def test_it_is_disabled_and_enabled_again() -> None:
    disabled = ENDPOINT.updated(NOW, disabled=True).unwrap()
    assert (disabled.status, disabled.disabled_because) == (EndpointStatus.DISABLED, DisabledBecause.ASKED)
    assert disabled.updated(NOW + HOUR, disabled=True).unwrap() == disabled
    enabled = disabled.updated(NOW + HOUR, disabled=False).unwrap()
    assert (enabled.status, enabled.disabled_because) == (EndpointStatus.ENABLED, None)
    assert enabled.hopeful_since == NOW + HOUR


def test_a_removed_one_is_over() -> None:
    removed = ENDPOINT.updated(NOW, disabled=True).unwrap().removed()
    assert (removed.status, removed.disabled_because) == (EndpointStatus.REMOVED, None)
    for step in (removed.removed, lambda: removed.turned(None, NOW)):
        with pytest.raises(AssertionError, match="removed ->"):
            step()


def test_it_is_given_up_when_nothing_has_arrived_for_days() -> None:
    assert ENDPOINT.given_up(NOW, NOW + PATIENCE - HOUR) == Failure(NotFailing())
    given_up = ENDPOINT.given_up(NOW, NOW + PATIENCE).unwrap()
    assert (given_up.status, given_up.disabled_because) == (EndpointStatus.DISABLED, DisabledBecause.FAILING)
    assert given_up.given_up(NOW, NOW + 2 * PATIENCE) == Failure(NotFailing())


def test_one_that_was_repaired_has_its_time_again() -> None:
    given_up = ENDPOINT.given_up(NOW, NOW + PATIENCE).unwrap()
    enabled = given_up.updated(NOW + PATIENCE, disabled=False).unwrap()
    moved = ENDPOINT.updated(NOW + PATIENCE, url="https://example.com/other").unwrap()
    for hopeful in (enabled, moved):
        assert not hopeful.overdue(NOW, NOW + PATIENCE + HOUR)
        assert hopeful.overdue(NOW, NOW + 2 * PATIENCE)
        assert not hopeful.overdue(None, NOW + 9 * PATIENCE)
    assert ENDPOINT.updated(NOW + PATIENCE, url=ENDPOINT.url).unwrap() == ENDPOINT
