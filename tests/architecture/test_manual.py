"""The page of the command line says what the commands say."""

from tests.architecture.manual import PAGE, manual


def test_the_manual_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == manual(), "run: python -m tests.architecture.manual"
