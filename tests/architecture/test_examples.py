"""Every Python example in a document runs, but for those that say ``no-run``."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md"))]
EXAMPLE = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)

#: What an example asks its environment for where it needs a database; it gets one of its own, up to date.
DATABASE = "FINTECH_DATABASE_URL"
README_LINES_MAX = 6

EXAMPLES = [
    pytest.param(
        example,
        id=f"{document.relative_to(ROOT)}-{number}",
        marks=pytest.mark.postgres if DATABASE in example else (),
    )
    for document in DOCUMENTS
    for number, example in enumerate(EXAMPLE.findall(document.read_text(encoding="utf-8")), 1)
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_runs(example: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    given = {}
    if DATABASE in example:
        given = {DATABASE: request.getfixturevalue("postgres_dsn"), "FINTECH_DIGEST_KEY": "5e" * 32}
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", example],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
        env=os.environ | given,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 4


@pytest.mark.parametrize("profile", ["in_memory", "on_postgres"])
def test_the_readme_needs_no_more_lines_than_it_says(profile: str) -> None:
    readme = EXAMPLE.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    (example,) = (each for each in readme if f"async with {profile}(" in each)
    (block,) = (node for node in ast.walk(ast.parse(example)) if isinstance(node, ast.AsyncWith))
    assert (block.body[-1].end_lineno or 0) - block.lineno <= README_LINES_MAX
