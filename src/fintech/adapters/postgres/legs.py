"""The legs of a movement as JSON, there and back; the view ``transfers`` spells the same out in SQL."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import orjson

from fintech.domain.ids import MerchantId, MovementId, TransferId
from fintech.domain.ledger import AccountId, Phase, Transfer, TransferKind
from fintech.domain.money import Currency
from fintech.domain.scope import Scope

#: Looked up several times faster than the enumerations are called.
_KINDS: Final = {kind.value: kind for kind in TransferKind}
_PHASES: Final = {phase.value: phase for phase in Phase}


def encode_legs(scope: Scope, legs: Sequence[Transfer]) -> str:
    """What differs between the legs of one movement; what is a matter of course is left out."""
    return orjson.dumps([_leg(scope, transfer) for transfer in legs]).decode()


def decode_legs(
    scope: Scope, id: MovementId, currency: str, source: str, at: datetime, legs: str
) -> tuple[Transfer, ...]:
    """The transfers of a movement's row."""
    kept_in = Currency(currency)
    return tuple(
        [
            _transfer(scope, TransferId.of(id, place), kept_in, source, at, leg)
            for place, leg in enumerate(orjson.loads(legs))
        ]
    )


def _leg(scope: Scope, transfer: Transfer) -> dict[str, object]:
    debit, credit = transfer.debit, transfer.credit
    leg: dict[str, object] = {
        "kind": transfer.kind,
        "debit": debit.code,
        "credit": credit.code,
        "amount": transfer.amount_minor,
    }
    if transfer.phase is not Phase.POST:
        leg["phase"] = transfer.phase
    if debit.owner != scope.merchant:
        leg["debit_owner"] = debit.owner
    if credit.owner != scope.merchant:
        leg["credit_owner"] = credit.owner
    if transfer.resolves is not None:
        leg["resolves"] = transfer.resolves
    if transfer.expires_at is not None:
        leg["expires_at"] = transfer.expires_at
    return leg


def _transfer(
    scope: Scope, id: TransferId, currency: Currency, source: str, at: datetime, leg: dict[str, Any]
) -> Transfer:
    owner, resolves, expires_at = scope.merchant, leg.get("resolves"), leg.get("expires_at")
    return Transfer(
        id=id,
        kind=_KINDS[leg["kind"]],
        phase=_PHASES[leg.get("phase", Phase.POST)],
        debit=_account(leg.get("debit_owner", owner), leg["debit"], currency),
        credit=_account(leg.get("credit_owner", owner), leg["credit"], currency),
        amount_minor=leg["amount"],
        source=source,
        at=at,
        resolves=TransferId(resolves) if resolves else None,
        expires_at=datetime.fromisoformat(expires_at) if expires_at else None,
    )


@lru_cache(maxsize=16_384)
def _account(owner: str, code: str, currency: Currency) -> AccountId:
    """Movements of a month name a few accounts again and again."""
    return AccountId(MerchantId(owner), code, currency)
