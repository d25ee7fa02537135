"""What a leak looks like in a text that also has random ids, times and addresses: longer than chance makes them, or alone."""

import re

_CARD = re.compile(r"4242[ -]?4242")


def shows_test_card(text: str) -> bool:
    """Whether any eight digits of 4242 4242 4242 4242 are there, in groups or not. Four are in a thread's id at times."""
    return _CARD.search(text) is not None


def shows_code(code: str, text: str) -> bool:
    """Whether a security code is there as a word of its own. Inside longer ones it comes by chance, being so short."""
    return re.search(rf"(?<![\w.]){code}(?!\w)", text) is not None
