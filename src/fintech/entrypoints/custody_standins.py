"""What stands in for ports of custody until their adapters are put together. To be removed then."""

from typing import Any

from attrs import fields

from fintech.domain.keys.periods import KeyPolicy
from fintech.entrypoints.key_custody import Custody


def standins(custody: Custody) -> dict[str, Any]:
    return {
        "key_policy": KeyPolicy(),
        "key_environment": custody.terms.environment,
    }


def ports_of(kind: Any, opened: Any) -> Any:
    return kind(**{each.name: getattr(opened, each.name) for each in fields(kind)})
