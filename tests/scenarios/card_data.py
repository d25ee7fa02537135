"""Where card data could have been left behind, and how to tell that it was.

Two rules, one for what is known and one for what is not.

`traces` looks for the numbers that were sent, so it does not have to guess what a card number is: wherever the digits
of one stand next to each other in a text, whatever is around them, it is found. It cannot miss one that was kept as text,
also in groups, percent-encoded, in hexadecimal (as a dump shows bytes) or in base64. A digest or a ciphertext of a number
is no trace: that is what may be kept.

`strangers` needs to know no number: any 13 to 19 digits that are a word of their own, begin as cards do and have their
check digit. What begins with 0, 1, 7 or 9 (our ids, times since 1970 in whatever unit) is none, and a number with a letter
at its side is a piece of an id or of a digest; for the numbers that were sent `traces` makes no such allowance.
"""

import base64
import re
from collections.abc import Iterable, Iterator

from fintech.domain.cards import luhn_valid

_BETWEEN_DIGITS = re.compile(r"(?<=\d)[^0-9A-Za-z\t\n]{1,2}(?=\d)")
_WORD_OF_DIGITS = re.compile(r"(?<![0-9A-Za-z.])[234568](?:[ -]?\d){12,18}(?![0-9A-Za-z])")
# Not across columns: what is random may end in such a name, and a date may stand in the next one.
_SECURITY_CODE = re.compile(r"(?i)(?:cvc|cvv|cvn|csc|security[ _-]?code)2?[^0-9a-z\n\t]{1,6}\d{3,4}(?!\d)")


def traces(numbers: Iterable[str], text: str) -> set[str]:
    """Which of the numbers are in the text, in any spelling."""
    haystacks = (text, _BETWEEN_DIGITS.sub("", text), text.lower())
    return {
        number for number in numbers if any(form in each for form in _spellings(number) for each in haystacks)
    }


def strangers(text: str) -> list[str]:
    """What else may be a card number, and every security code that stands beside its name."""
    words = (found[0] for found in _WORD_OF_DIGITS.finditer(text))
    numbers = [word for word in words if luhn_valid(re.sub(r"\D", "", word))]
    return numbers + [found[0] for found in _SECURITY_CODE.finditer(text)]


def _spellings(number: str) -> Iterator[str]:
    yield number
    yield number.encode().hex()
    yield "".join(f"%{ord(digit):x}" for digit in number)
    for before in range(3):  # base64 has no place of its own for a byte: there are three ways to begin
        encoded = base64.b64encode(bytes(before) + number.encode()).decode()
        yield encoded[(0, 2, 3)[before] : len(number) * 4 // 3 - 2]
