"""The table of PCI DSS names only tests that there are, and no row says that something is shown without naming one."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "operations" / "pci-dss.md"

NAMED = re.compile(r"`([\w/.-]+\.py)::(\w+)`")
INHERITED = re.compile(r"^class Test\w+\(([^)]*)\):", re.MULTILINE)
CONTRACTS = "src/fintech/ports/contracts/"
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
def collected_of(path: str) -> frozenset[str]:
    """The tests of a module that are run: those of its top and of its classes; of a contract's suite, if anybody fills it."""
    file = ROOT / path
    if not file.is_file():
        return frozenset()
    ours, suites = path.startswith("tests/") and file.name.startswith("test_"), path.startswith(CONTRACTS)
    tree = ast.parse(file.read_text(encoding="utf-8"))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    run = [
        each
        for each in classes
        if (ours and each.name.startswith("Test")) or (suites and each.name in filled())
    ]
    bodies = [tree.body] * ours + [each.body for each in run]
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for body in bodies for node in body if isinstance(node, functions))


@cache
def filled() -> frozenset[str]:
    """Contract suites that a class of tests inherits from."""
    modules = (ROOT / "tests").rglob("test_*.py")
    bases = (INHERITED.findall(module.read_text(encoding="utf-8")) for module in modules)
    return frozenset(name.strip() for found in bases for each in found for name in each.split(","))


def test_every_test_that_the_page_names_is_there_and_is_run() -> None:
    named = NAMED.findall(PAGE.read_text(encoding="utf-8"))
    assert len(named) > 50
    assert not [f"{path}::{name}" for path, name in named if name not in collected_of(path)]
    assert not [name for _, name in named if not name.startswith("test_")]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("tests/scenarios/card_data.py", "traces"),  # nobody collects it
        ("tests/architecture/test_pci_table.py", "test_nothing"),
        ("tests/architecture/test_no_such.py", "test_nothing"),
        ("src/fintech/ports/key_root.py", "test_no_two_keys_are_the_same"),
    ],
)
def test_one_that_is_not_run_would_be_found(path: str, name: str) -> None:
    assert name not in collected_of(path)


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
