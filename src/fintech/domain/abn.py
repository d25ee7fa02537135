"""The Australian Business Number."""

from typing import Final

#: The Australian Business Register's weighting of the digits, the first of them less one.
_WEIGHTS: Final = (10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19)
_MODULUS: Final = 89


class Abn(str):
    """Eleven digits without spaces, the first two of which check the others. Made by `parse`."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> "Abn | None":
        """The number that a text from outside spells, spaces allowed, or None where a digit must be wrong.

        Rule of the Australian Business Register ("Format of the ABN"): the digits, the first less one, weighted
        10, 1, 3, 5, … 19, add up to a multiple of 89.
        """
        digits = text.replace(" ", "")
        if len(digits) != len(_WEIGHTS) or not (digits.isascii() and digits.isdigit()) or digits[0] == "0":
            return None
        numbers = [int(digits[0]) - 1, *(int(digit) for digit in digits[1:])]
        total = sum(weight * number for weight, number in zip(_WEIGHTS, numbers, strict=True))
        return None if total % _MODULUS else cls(digits)

    @property
    def spaced(self) -> str:
        """As people write it: ``51 824 753 556``."""
        return f"{self[:2]} {self[2:5]} {self[5:8]} {self[8:]}"
