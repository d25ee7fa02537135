"""Card numbers where none belong: in what people write freely, and what would be kept with a payment.

PCI DSS 3.5.1 lets nobody keep a readable PAN, and a merchant's staff do type one into a note. So the doors refuse such a
text before anything of it is stored.

It is a look for mistakes, not for smugglers, and it has to leave alone what merchants do write: UUIDs and digests,
telephone numbers, barcodes, times, order numbers. So a number counts if it is written as people write card numbers, in
one piece or in groups; if its first digits and its length are those of a scheme; and if its last digit checks.
"""

import re
from collections.abc import Iterator
from typing import Final

from fintech.domain.cards import luhn_valid

#: Less than this has no card number in it.
LENGTH_MIN: Final = 13
LENGTH_MAX: Final = 19
GROUP_LENGTH_MAX: Final = 6
FIRST_GROUP_LENGTH_MIN: Final = 4

#: What every one has, and next to nothing else: thirteen digits with little between any two.
_ENOUGH: Final = re.compile(r"\d(?:[^0-9A-Za-z]{0,3}\d){12}")
#: In one piece, without a letter stuck to it: of random tokens of 16 hexadecimal digits, one in 450 is 13 digits or more
#: between letters, and one payment in 20,000 would be refused for its order number.
_PIECE: Final = re.compile(r"(?<![0-9A-Za-z])(\d{13,19})(?![0-9A-Za-z])")
#: Groups with a separator between any two, or spaces. A UUID, whose groups are longer, is none.
_GROUPED: Final = re.compile(
    r"(?<![0-9A-Za-z])\d+(?:(?:\s{1,2}|\s?[._/\u2010-\u2013-]\s?)\d+)+(?![0-9A-Za-z])"
)
_DIGITS: Final = re.compile(r"\d+")
_SECURITY_CODE_NAME: Final = re.compile(r"(?i)(?:card[ _.-]?)?(?:cvc|cvv|csc|cvn|security[ _.-]?code)[0-9]?")
_SECURITY_CODE: Final = re.compile(r"\s*\d{3,4}\s*")

#: First digits and lengths (ISO/IEC 7812-1, and what the schemes publish).
_SCHEMES: Final = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    r"|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"  # Mastercard
    r"|5(?:0|[68])\d{14,17}"  # Maestro, eftpos
    r"|3[47]\d{13}"  # American Express
    r"|3[0689]\d{12}(?:\d\d)?"  # Diners
    r"|35\d{14,17}"  # JCB
    r"|6\d{15,18}|81\d{14,17}"  # Discover, UnionPay, Maestro
)


def shows_card_number(text: str) -> bool:
    """Whether somebody has written a card number into a text, as far as its digits tell."""
    if len(text) < LENGTH_MIN or _ENOUGH.search(text) is None:
        return False
    return any(map(_is_card_number, _candidates(text)))


def is_security_code(name: str, value: str) -> bool:
    """Whether a value under a name is a card's security code, which not even a digest may be kept of (PCI DSS 3.3.1)."""
    return (
        _SECURITY_CODE.fullmatch(value) is not None
        and _SECURITY_CODE_NAME.fullmatch(name.strip()) is not None
    )


def _candidates(text: str) -> Iterator[str]:
    for piece in _PIECE.finditer(text):
        yield piece[1]
    for run in _GROUPED.finditer(text):
        groups = _DIGITS.findall(run[0])
        for place, first in enumerate(groups):
            if len(first) >= FIRST_GROUP_LENGTH_MIN:
                yield from _joined(groups[place : place + LENGTH_MAX])


def _joined(groups: list[str]) -> Iterator[str]:
    """The first group with what follows it, while that may be a card number."""
    number = ""
    for group in groups:
        number += group
        if len(group) > GROUP_LENGTH_MAX or len(number) > LENGTH_MAX:
            return
        if len(number) >= LENGTH_MIN:
            yield number


def _is_card_number(number: str) -> bool:
    ascii_digits = "".join(str(int(digit)) for digit in number)  # there are others, and people type them
    return (
        _SCHEMES.fullmatch(ascii_digits) is not None
        and luhn_valid(ascii_digits)
        and not (len(number) == LENGTH_MIN and _is_barcode(ascii_digits))
    )


def _is_barcode(number: str) -> bool:
    """Whether 13 digits check as an article number (GS1, EAN-13): goods are sold every day, such cards hardly."""
    total = sum(int(digit) * (1 + 2 * (place % 2)) for place, digit in enumerate(number))
    return total % 10 == 0
