"""Response codes, there and back."""

import pytest

from fintech.domain.cards import Decline, DeclineCode
from fintech.iso8583.response_codes import ResponseCode, code_of_decline, decline_of_code


@pytest.mark.parametrize("code", DeclineCode)
def test_every_decline_has_a_code_that_is_no_approval(code: DeclineCode) -> None:
    told = code_of_decline(Decline(code=code, scheme_code="??"))
    assert not told.approved
    assert decline_of_code(told) is not None


@pytest.mark.parametrize(("scheme_code", "told"), [("51", "51"), ("N7", "05"), ("00", "05"), ("", "05")])
def test_an_issuers_own_code_is_passed_on_where_terminals_know_it(scheme_code: str, told: str) -> None:
    assert code_of_decline(Decline(code=DeclineCode.DO_NOT_HONOR, scheme_code=scheme_code)) == told


@pytest.mark.parametrize(
    ("code", "decline"),
    [
        ("00", None),
        ("51", DeclineCode.INSUFFICIENT_FUNDS),
        ("54", DeclineCode.EXPIRED_CARD),
        ("21", DeclineCode.GENERIC_DECLINE),
        ("ZZ", DeclineCode.GENERIC_DECLINE),
    ],
)
def test_a_terminal_says_a_code_in_words(code: str, decline: DeclineCode | None) -> None:
    assert decline_of_code(code) is decline


def test_only_one_code_is_a_yes() -> None:
    assert [code for code in ResponseCode if code.approved] == [ResponseCode.APPROVED]
