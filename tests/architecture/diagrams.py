"""Draws the documents in docs/diagrams from the domain's own tables of steps.

``python -m tests.architecture.diagrams`` says which are out of date, ``--write`` draws them anew. Every table whose
name ends in ``TRANSITIONS`` is drawn, in the document of the noun that it belongs to.
"""

import sys
from collections.abc import Iterator, Mapping
from enum import StrEnum
from importlib import import_module
from inspect import getdoc
from pathlib import Path
from pkgutil import walk_packages
from typing import Final

from attrs import frozen

import fintech.domain

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / "docs/diagrams"
COMMAND: Final = "python -m tests.architecture.diagrams --write"


@frozen
class Table:
    """A table of steps and where it stands."""

    module: str
    name: str
    steps: Mapping[StrEnum, frozenset[StrEnum]]

    @property
    def noun(self) -> str:
        """What the document is called: the noun in the grid."""
        return self.module.removeprefix("fintech.domain.").partition(".")[0]

    @property
    def statuses(self) -> type[StrEnum]:
        """Whose steps they are."""
        return type(next(iter(self.steps)))


def tables() -> list[Table]:
    """Every table of steps in the domain, in the order of modules and names."""
    found = {}
    for each in walk_packages(fintech.domain.__path__, "fintech.domain."):
        for name, value in vars(import_module(each.name)).items():
            if name.endswith("TRANSITIONS") and id(value) not in found:
                found[id(value)] = Table(each.name, name, value)
    return sorted(found.values(), key=lambda table: (table.module, -len(table.steps), table.name))


def drawn(table: Table) -> Iterator[str]:
    """A table as a Mermaid state diagram: it starts at the first status and ends where no step leads on."""
    yield "stateDiagram-v2"
    yield f"    [*] --> {next(iter(table.statuses)).value}"
    for status in table.statuses:
        for after in table.statuses:
            if after in table.steps[status]:
                yield f"    {status.value} --> {after.value}"
        if not table.steps[status]:
            yield f"    {status.value} --> [*]"


def documents() -> dict[str, str]:
    """The text of every document by its file's name."""
    parts: dict[str, list[str]] = {}
    for table in tables():
        path = f"src/{table.module.replace('.', '/')}.py"
        doc = (getdoc(table.statuses) or "").partition("\n")[0]
        section = [f"## {table.statuses.__name__}", doc, f"`{table.name}` in `{path}`."]
        section.append("\n".join(("```mermaid", *drawn(table), "```")))
        parts.setdefault(table.noun, []).extend(section)
    note = f"Drawn from the code by `{COMMAND}`; a test fails when it is out of date."
    return {
        f"{noun}.md": "\n\n".join((f"# {noun.capitalize()}: every step there is", note, *sections)) + "\n"
        for noun, sections in parts.items()
    }


def out_of_date() -> list[str]:
    """The names of documents that are missing, are not as they would be drawn now, or are nobody's any more."""
    wanted = documents()
    there = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    return sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))


def write() -> None:
    """Draw every document anew."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = documents()
    for path in FOLDER.glob("*.md"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        write()
    stale = out_of_date()
    if stale:
        sys.exit(f"out of date: {', '.join(stale)}; draw them with {COMMAND}")
