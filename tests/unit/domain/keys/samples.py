"""Rings, orders and officers for tests of custody."""

from datetime import timedelta

from hypothesis import strategies as st

from fintech.domain.card_numbers import shows_card_number
from fintech.domain.ids import MerchantId
from fintech.domain.keys.breaking_glass import GlassRequest
from fintech.domain.keys.custody import (
    CmkName,
    Custody,
    Derivation,
    KeyRing,
    KeyRingId,
    KeyStatus,
    KeyVersion,
)
from fintech.domain.keys.documents import ENVIRONMENT
from fintech.domain.keys.orders import WHOLE_ACTIONS, Order, OrderAction
from fintech.domain.scope import Scope
from tests.strategies import MOMENTS, ids
from tests.unit.domain.desk import NOON

SHOP = Scope(MerchantId("acct_" + "m" * 24), livemode=True)
CMK = CmkName("arn:aws:kms:ap-southeast-2:111122223333:key/bank")
HOUR = timedelta(hours=1)
#: The deployment that tests are in.
HERE = "test"


def version(number: int, status: KeyStatus = KeyStatus.ACTIVE) -> KeyVersion:
    """A version of a key; its wrapped bytes are whatever they are."""
    return KeyVersion(
        number=number,
        status=status,
        cmk=CMK,
        derivation=Derivation.WRAPPED,
        wrapped=b"" if status is KeyStatus.RETIRED else b"wrapped-%d" % number,
        grant=f"grant-{number}",
        created_at=NOON,
        retired_at=NOON if status is KeyStatus.RETIRED else None,
    )


def ring(custody: Custody = Custody.ACTIVE, *keys: KeyVersion) -> KeyRing:
    """A ring of one version, or of these."""
    return KeyRing(
        id=KeyRingId("kr_" + "r" * 24),
        version=3,
        scope=SHOP,
        custody=custody,
        keys=keys or (version(1),),
        created_at=NOON,
    )


def order(sequence: int = 1, action: OrderAction = OrderAction.SUSPEND, scope: Scope = SHOP) -> Order:
    """An order about a merchant."""
    return Order(
        environment=HERE,
        sequence=sequence,
        action=action,
        subject=scope,
        issued_at=NOON,
        reason="breach drill",
    )


_ENVIRONMENTS = st.from_regex(ENVIRONMENT, fullmatch=True)
_NUMBERS = st.integers(1, 2**53 - 1)
_SECONDS = MOMENTS.map(lambda at: at.replace(microsecond=0))
_LINES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=200).filter(
    lambda text: text.isprintable() and not shows_card_number(text)
)
SCOPES = st.builds(Scope, ids(MerchantId), st.booleans())
ORDERS = st.one_of(
    st.builds(
        Order,
        environment=_ENVIRONMENTS,
        sequence=_NUMBERS,
        action=st.sampled_from(OrderAction),
        subject=SCOPES,
        issued_at=_SECONDS,
        reason=_LINES,
    ),
    st.builds(
        Order,
        environment=_ENVIRONMENTS,
        sequence=_NUMBERS,
        action=st.sampled_from(sorted(WHOLE_ACTIONS)),
        subject=_LINES.map(CmkName),
        issued_at=_SECONDS,
        reason=_LINES,
    ),
)
REQUESTS = st.builds(
    GlassRequest,
    environment=_ENVIRONMENTS,
    sequence=_NUMBERS,
    scope=SCOPES,
    until=_SECONDS,
    reason=_LINES,
)
