"""Grants: made, listed and ended."""

from typing import Any, Final
from uuid import uuid4

from fintech.adapters.simulator.kms.grants import Grant
from fintech.adapters.simulator.kms.keys import KmsKey
from fintech.adapters.simulator.kms.permissions import require_granting, require_retiring
from fintech.adapters.simulator.kms.refusals import KmsRefused, invalid
from fintech.adapters.simulator.kms.requests import KmsRequest

PAGE_MAX: Final = 100
OPERATIONS_MAX: Final = 16


def create_grant(request: KmsRequest) -> dict[str, Any]:
    """A grant, or the one that there is of the same name and terms."""
    key = request.key()
    grant = _asked_for(request)
    require_granting(request.principal, key, grant)
    key.require_enabled()
    request.rehearse()
    same = key.grants.same_as(grant)
    if same is None:
        request.memory.keep_grant(key, grant)
    kept = same or grant
    return {"GrantId": kept.id, "GrantToken": request.memory.token_of(kept)}


def revoke_grant(request: KmsRequest) -> dict[str, Any]:
    """The bank takes one back."""
    key = request.key()
    request.permit(key, request.operation)
    return _ended(request, key, _live(key, request.text("GrantId")))


def retire_grant(request: KmsRequest) -> dict[str, Any]:
    """Whoever may retire it gives one back: by its token, or by key and id."""
    if "GrantToken" in request.body:
        id = request.memory.granted_by(request.text("GrantToken"))
        for key in request.memory.keys.values():
            if id in key.grants.by_id:
                break
        else:
            raise KmsRefused("NotFoundException", "Grant does not exist")
    else:
        key, id = request.key(), request.text("GrantId")
    grant = _live(key, id)
    require_retiring(request.principal, grant)
    return _ended(request, key, grant)


def list_grants(request: KmsRequest) -> dict[str, Any]:
    """A page of those that were not ended, by id."""
    key = request.key()
    request.permit(key, request.operation)
    limit, after = request.number("Limit", 50, 1, PAGE_MAX), request.body.get("Marker", "")
    wanted = {name: request.body[name] for name in ("GrantId", "GranteePrincipal") if name in request.body}
    found = sorted(
        (grant for grant in key.grants.live() if grant.id > after and _is(grant, wanted)),
        key=lambda grant: grant.id,
    )
    page = {"Grants": [_shown(key, grant) for grant in found[:limit]], "Truncated": len(found) > limit}
    return {**page, "NextMarker": found[limit - 1].id} if len(found) > limit else page


def _asked_for(request: KmsRequest) -> Grant:
    operations = request.body.get("Operations")
    if not isinstance(operations, list) or not 0 < len(operations) <= OPERATIONS_MAX:
        raise invalid("Operations", f"are 1 to {OPERATIONS_MAX}")
    constraints = request.body.get("Constraints") or {}
    ties: dict[str, tuple[tuple[str, str], ...] | None] = {
        name: tuple(sorted(constraints[name].items())) if constraints.get(name) else None
        for name in ("EncryptionContextSubset", "EncryptionContextEquals")
    }
    return Grant(
        id=uuid4().hex + uuid4().hex,
        name=request.text("Name") if "Name" in request.body else None,
        grantee=request.text("GranteePrincipal"),
        retiring=request.text("RetiringPrincipal") if "RetiringPrincipal" in request.body else None,
        operations=tuple(sorted(str(each) for each in operations)),
        subset=ties["EncryptionContextSubset"],
        equals=ties["EncryptionContextEquals"],
        created_at=request.now,
        works_at=request.now + request.grant_delay_s,
    )


def _live(key: KmsKey, id: str) -> Grant:
    grant = key.grants.by_id.get(id)
    if grant is None or id in key.grants.ends_at:
        raise KmsRefused("NotFoundException", "Grant does not exist")
    return grant


def _ended(request: KmsRequest, key: KmsKey, grant: Grant) -> dict[str, Any]:
    request.rehearse()
    request.memory.end_grant(key, grant.id, request.now + request.grant_delay_s)
    return {}


def _is(grant: Grant, wanted: dict[str, Any]) -> bool:
    has = {"GrantId": grant.id, "GranteePrincipal": grant.grantee}
    return all(has[name] == value for name, value in wanted.items())


def _shown(key: KmsKey, grant: Grant) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "KeyId": key.arn,
        "GrantId": grant.id,
        "Name": grant.name or "",
        "CreationDate": grant.created_at,
        "GranteePrincipal": grant.grantee,
        "Operations": list(grant.operations),
        "Constraints": {},
    }
    if grant.retiring is not None:
        shown["RetiringPrincipal"] = grant.retiring
    if grant.subset is not None:
        shown["Constraints"]["EncryptionContextSubset"] = dict(grant.subset)
    if grant.equals is not None:
        shown["Constraints"]["EncryptionContextEquals"] = dict(grant.equals)
    return shown
