"""Money: whole minor units of one currency. Never a float, never two currencies in one sum."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from attrs import field, frozen
from attrs.validators import instance_of

#: No amount in the system is larger, in minor units (fits a signed 64-bit column a thousand times over).
AMOUNT_MAX_MINOR: Final = 10**15

BASIS_POINTS: Final = 10_000


class Currency(StrEnum):
    """ISO 4217 alphabetic codes of the currencies that books can be kept in."""

    AUD = "AUD"
    EUR = "EUR"
    GBP = "GBP"
    JPY = "JPY"
    NZD = "NZD"
    SGD = "SGD"
    USD = "USD"

    @property
    def exponent(self) -> int:
        """How many decimal digits the minor unit stands for (ISO 4217, column "minor unit")."""
        return 0 if self is Currency.JPY else 2


class CurrencyMismatch(ValueError):
    """Two currencies met in one sum: a programming error, since edges check the currency first."""


def _whole(_instance: object, _attribute: object, value: int) -> None:
    if type(value) is not int:
        message = f"minor units are whole numbers, not {type(value).__name__}"
        raise TypeError(message)
    if not -AMOUNT_MAX_MINOR <= value <= AMOUNT_MAX_MINOR:
        message = "the amount is larger than any that this system keeps"
        raise ValueError(message)


@frozen(order=False)
class Money:
    """An amount in minor units (cents for AUD, yen for JPY); may be negative, as a balance may."""

    minor: int = field(validator=_whole)
    currency: Currency = field(validator=instance_of(Currency))

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._minor_of(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._minor_of(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._minor_of(other)

    def __le__(self, other: "Money") -> bool:
        return self.minor <= self._minor_of(other)

    def split(self, weights: Sequence[int]) -> tuple["Money", ...]:
        """Divide by weights without losing a cent: the parts always add up to the whole.

        Each part is within one minor unit of its exact share; what is left over goes, one unit each, to the
        largest remainders, the earlier part first. Raises ``ValueError`` if no weight is positive.
        """
        return tuple(Money(minor, self.currency) for minor in split_minor(self.minor, weights))

    def __str__(self) -> str:
        return f"{format_minor(self.minor, self.currency)} {self.currency}"

    def _minor_of(self, other: "Money") -> int:
        if other.currency is not self.currency:
            message = f"{self.currency} and {other.currency} cannot be added or compared"
            raise CurrencyMismatch(message)
        return other.minor


def split_minor(minor: int, weights: Sequence[int]) -> tuple[int, ...]:
    """The arithmetic of `Money.split`, on bare minor units."""
    total = sum(weights)
    if total <= 0 or min(weights) < 0:
        message = "weights are not negative and at least one is positive"
        raise ValueError(message)
    sign = -1 if minor < 0 else 1
    shares = [divmod(abs(minor) * weight, total) for weight in weights]
    parts = [quotient for quotient, _ in shares]
    left = abs(minor) - sum(parts)
    by_remainder = sorted(range(len(shares)), key=lambda index: -shares[index][1])
    for index in by_remainder[:left]:
        parts[index] += 1
    return tuple(sign * part for part in parts)


def portion_minor(minor: int, basis_points: int) -> int:
    """A share of a non-negative amount in basis points, half a minor unit rounded up (away from zero)."""
    return (2 * minor * basis_points + BASIS_POINTS) // (2 * BASIS_POINTS)


def format_minor(minor: int, currency: Currency) -> str:
    """Minor units as people write them: ``-1234.50``; no thousands separator, so that programs read it too."""
    exponent = currency.exponent
    if exponent == 0:
        return str(minor)
    whole, part = divmod(abs(minor), 10**exponent)
    return f"{'-' if minor < 0 else ''}{whole}.{part:0{exponent}d}"
