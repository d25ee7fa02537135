"""Digests that cannot be guessed back without the key."""

from abc import abstractmethod
from enum import StrEnum
from typing import Protocol, runtime_checkable


class Purpose(StrEnum):
    """What a digest is for; digests of one purpose say nothing about those of another."""

    API_KEY = "api_key"
    CARD = "card"
    HONEYTOKEN = "honeytoken"
    REQUEST = "request"
    WEBHOOK = "webhook"


@runtime_checkable
class KeyedDigest(Protocol):
    """A keyed one-way function."""

    @abstractmethod
    def digest(self, purpose: Purpose, data: bytes) -> bytes:
        """32 bytes that are the same for the same purpose and data as long as the key lives."""
