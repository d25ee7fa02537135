"""Signatures: of the bank's officers, which we check, and of the notary, outside our account, who signs checkpoints."""

from abc import abstractmethod
from typing import Protocol, runtime_checkable


@runtime_checkable
class SignatureChecker(Protocol):
    """Knows public keys by name (Ed25519, RFC 8032)."""

    @abstractmethod
    def check(self, key: str, message: bytes, signature: bytes) -> bool:
        """Whether a key that is known by this name signed this message."""

    @property
    @abstractmethod
    def keys(self) -> frozenset[str]:
        """The names."""


@runtime_checkable
class Notary(Protocol):
    """Signs with a key that we do not have."""

    @abstractmethod
    async def sign(self, message: bytes) -> tuple[str, bytes]:
        """The name of the key, and its signature. Raises `NotaryUnavailable`."""
