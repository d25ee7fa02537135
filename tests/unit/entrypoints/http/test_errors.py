import pytest
from hypothesis import given
from hypothesis import strategies as st

from fintech.entrypoints.http.errors import Problem, invalid, missing, spoken


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("metadata[order]", "metadata[order]"),
        ("4242424242424242", "…"),
        ("card 4242 4242 4242 4242!", "card …!"),
        ("a4242-4242-4242-4242b", "a…b"),
        ("order 123456", "order 123456"),
        ("x" * 100, "x" * 64),
    ],
)
def test_what_is_said_back_has_no_card_number(text: str, said: str) -> None:
    assert spoken(text) == said


@given(st.from_regex(r"[a-z\[\]]{0,5}\d{13,19}[a-z\[\]]{0,5}", fullmatch=True))
def test_no_card_number_is_said_back_however_it_is_wrapped(text: str) -> None:
    digits = "".join(filter(str.isdigit, text))
    for refused in (missing("charge", text, "charge"), invalid(text, "code", "No.")):
        assert digits not in str(refused.problem.body("https://docs.example"))


def test_an_id_is_said_back_where_it_has_no_run_of_digits() -> None:
    assert missing("charge", "ch_01hq9abc", "charge").problem.message == "No such charge: 'ch_01hq9abc'"
    assert missing("charge", "4242424242424242", "charge").problem.message == "No such charge"
    assert len(missing("charge", "x" * 5000, "charge").problem.message) <= 200


def test_what_does_not_apply_is_left_out() -> None:
    body = Problem(code="c", message="m").body("https://docs.example")
    assert body == {
        "error": {
            "type": "invalid_request_error",
            "code": "c",
            "message": "m",
            "doc_url": "https://docs.example/errors#c",
        }
    }
