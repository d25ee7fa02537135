"""The table of PCI DSS names only tests that there are, and no row says that something is shown without naming one."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "operations" / "pci-dss.md"

NAMED = re.compile(r"`([\w/.-]+\.py)::(\w+)`")
STATE = re.compile(r"shown|(part|waits|operator): \S.*")
#: Requirements that the note on keys lists as decided by software (`reference/keys.md`, D).
WANTED = set(
    """
    2.2 3.2.1 3.3.1 3.3.2 3.4.1 3.5.1 3.5.1.1 3.5.1.2 3.6.1 3.7.1 3.7.4 3.7.5 3.7.6 3.7.7 4.2.1 6.2.4 6.3.2 6.4.3 6.5.5
    7.2 8.2 8.6 10.2.1.1 10.2.1.2 10.2.1.3 10.2.1.4 10.2.1.5 10.2.1.6 10.2.1.7 10.2.2 10.3.2 10.3.3 10.3.4 10.4.1.1 10.5.1
    10.6 10.7.2 12.3.3
""".split()  # noqa: SIM905 - a list of forty strings is no easier to read
)


def rows() -> list[list[str]]:
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


@cache
def functions_of(path: str) -> frozenset[str]:
    file = ROOT / path
    if not file.is_file():
        return frozenset()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, functions))


def test_every_test_that_the_page_names_exists() -> None:
    named = NAMED.findall(PAGE.read_text(encoding="utf-8"))
    assert len(named) > 50
    assert not [f"{path}::{name}" for path, name in named if name not in functions_of(path)]
    assert not [name for _, name in named if not name.startswith("test_")]


def test_every_requirement_has_a_row() -> None:
    listed = {each for row in rows() for each in row[0].split(", ")}
    assert not sorted(WANTED - listed)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_a_row_claims_no_more_than_it_names(row: list[str]) -> None:
    assert len(row) == 5
    _, _, does, shown, state = row
    assert does
    assert STATE.fullmatch(state), "a state is shown, or says what is missing"
    assert bool(NAMED.search(shown)) is (state == "shown" or state.startswith("part")), row
