"""A request to the simulated KMS, and its members as they have to be."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

from attrs import field, frozen

from fintech.adapters.simulator.kms.keys import KmsKey, Usage
from fintech.adapters.simulator.kms.memory import KmsMemory
from fintech.adapters.simulator.kms.permissions import require_permission
from fintech.adapters.simulator.kms.refusals import KmsRefused, invalid

BLOB_BYTES_MAX: Final = 6_144
PLAINTEXT_BYTES_MAX: Final = 4_096
TOKENS_MAX: Final = 10
NAME_MAX: Final = 2_048
PAIRS_MAX: Final = 32


@frozen(kw_only=True)
class KmsRequest:
    """One call: who, what, and what it works on. ``grant_delay_s`` is how long a grant takes to get about."""

    memory: KmsMemory
    principal: str
    operation: str
    body: Mapping[str, Any] = field(repr=False)
    grant_delay_s: float = 0.0

    @property
    def now(self) -> float:
        """Seconds since 1970."""
        return self.memory.now()

    def text(self, name: str, default: str | None = None) -> str:
        """A text that has to be there, if there is no other for it."""
        value = self.body.get(name, default)
        if not isinstance(value, str) or not 0 < len(value) <= NAME_MAX:
            raise invalid(name, f"is a text of 1 to {NAME_MAX} characters")
        return value

    def blob(self, name: str, bytes_max: int = PLAINTEXT_BYTES_MAX) -> bytes:
        """Bytes that have to be there."""
        try:
            value = base64.b64decode(self.body.get(name, ""), validate=True)
        except (binascii.Error, TypeError, ValueError):
            raise invalid(name, "is base 64") from None
        if not 0 < len(value) <= bytes_max:
            raise invalid(name, f"has 1 to {bytes_max} bytes")
        return value

    def pairs(self, name: str = "EncryptionContext") -> dict[str, str]:
        """An encryption context; none is an empty one."""
        value = self.body.get(name) or {}
        if not isinstance(value, dict) or len(value) > PAIRS_MAX:
            raise invalid(name, f"has at most {PAIRS_MAX} pairs")
        if not all(isinstance(each, str) for pair in value.items() for each in pair):
            raise invalid(name, "is of texts")
        return value

    def number(self, name: str, default: int, lowest: int, highest: int) -> int:
        """A whole number."""
        value = self.body.get(name, default)
        if type(value) is not int or not lowest <= value <= highest:
            raise invalid(name, f"is {lowest} to {highest}")
        return value

    def key(self, name: str = "KeyId") -> KmsKey:
        """The key that a member names."""
        return self.memory.key(self.text(name))

    def permit(self, key: KmsKey, operation: str, context: Mapping[str, str] | None = None) -> None:
        """Raise unless the caller may."""
        tokens = self.body.get("GrantTokens") or []
        if not isinstance(tokens, list) or len(tokens) > TOKENS_MAX:
            raise invalid("GrantTokens", f"are at most {TOKENS_MAX}")
        brought = frozenset(self.memory.granted_by(str(token)) for token in tokens)
        require_permission(
            self.principal, operation, key, context=context or {}, brought=brought, now=self.now
        )

    def usable(
        self,
        usage: Usage,
        *,
        operation: str | None = None,
        named: str = "KeyId",
        context: Mapping[str, str] | None = None,
    ) -> KmsKey:
        """The key that a member names, if the caller may use it for this and it can be used now."""
        key = self.key(named)
        self.permit(key, operation or self.operation, context)
        key.require(usage)
        return key

    def rehearse(self) -> None:
        """Where it would be done, but was only asked whether it would."""
        if self.body.get("DryRun") is True:
            raise KmsRefused(
                "DryRunOperationException", "The request would have succeeded, but the DryRun option is set."
            )


def spelt(value: bytes) -> str:
    """Bytes as the interface has them."""
    return base64.b64encode(value).decode()
