"""The map agrees with the ground: documents name only what exists, and imports go only where the contracts let them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    path
    for path in [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").rglob("*.md"))]
    if path.is_file()
]
LAYERS = ("domain", "ports", "application", "adapters", "entrypoints")

FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
IN_BACKTICKS = re.compile(r"`([^`\s]+)`")
LINKED = re.compile(r"\]\(([^)\s]+)\)")
LOOKS_LIKE_A_PATH = re.compile(r"[\w-][\w./-]*(/|\.(ini|js|lock|mako|md|py|sh|sql|svg|toml|ya?ml))")


def stands_in_the_repository(name: str, document: Path) -> bool:
    """A document may say a path from the root, from the package or from itself; a bare file name from anywhere."""
    if any((start / name).exists() for start in (ROOT, ROOT / "src/fintech", document.parent)):
        return True
    return "/" not in name and any(
        next((ROOT / top).rglob(name), None) for top in ("src", "tests", "docs", "deploy")
    )


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_path_in_a_document_exists(document: Path) -> None:
    prose = FENCED.sub("", document.read_text(encoding="utf-8"))
    named = {name.partition(":")[0] for name in IN_BACKTICKS.findall(prose)}
    paths = {name for name in named if LOOKS_LIKE_A_PATH.fullmatch(name) and ".." not in name}
    assert not sorted(name for name in paths if not stands_in_the_repository(name, document))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_in_a_document_leads_somewhere(document: Path) -> None:
    targets = {
        target.partition("#")[0]
        for target in LINKED.findall(FENCED.sub("", document.read_text(encoding="utf-8")))
    }
    local = {
        target for target in targets if target and "://" not in target and not target.startswith("mailto:")
    }
    assert not sorted(target for target in local if not (document.parent / target).exists())


def test_whoever_follows_links_from_the_first_page_comes_to_every_document() -> None:
    found, to_read = set(), [ROOT / "README.md"]
    while to_read:
        page = to_read.pop()
        if page not in found and page.suffix == ".md":
            found.add(page)
            text = FENCED.sub("", page.read_text(encoding="utf-8"))
            targets = {target.partition("#")[0] for target in LINKED.findall(text)}
            to_read += [path for name in targets if (path := (page.parent / name).resolve()).is_file()]
    assert not sorted(str(path.relative_to(ROOT)) for path in set(DOCUMENTS) - found)


def test_imports_keep_the_contracts() -> None:
    assert not [layer for layer in LAYERS if not (ROOT / "src/fintech" / layer / "__init__.py").exists()]
    linted = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert linted.returncode == 0, linted.stdout + linted.stderr
