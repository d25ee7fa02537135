"""The house rules that no linter knows. Each test lists every place that breaks its rule."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"

MODULE_LINES_MAX = 300
FUNCTION_LINES_MAX = 50

#: A helper lives with its noun or earns a name.
NAMES_THAT_SAY_NOTHING = {"base", "common", "helpers", "kit", "misc", "utils"}

#: Promises to oneself. An unfinished thing is an issue, or it is finished. (Spelt so as not to find themselves.)
NOTES_TO_SELF = re.compile(r"\b(TO[D]O|FIX[M]E|X{3})\b")

#: Where packages come from is the machine's business, not the repository's.
REGISTRY_HOSTS = re.compile(
    r"py[p]i\.(org|python)|python[h]osted\.org|np[m]js\.|deb\.[d]ebian\.|crate[s]\.io"
)

#: Modules that are started, not imported: beside the console scripts of pyproject.toml.
STARTED_BY_PATH = {"fintech", "fintech.adapters.postgres.keeper", "fintech.entrypoints.aws_lambda"}

SILENCER = re.compile(r"#\s*(type:\s*ignore|noqa)\b")
SILENCER_WITH_REASON = re.compile(
    r"#\s*(type:\s*ignore\[[\w, -]+\]|noqa:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*)\s*[#—-]\s*\w.{7,}"
)

TEXT_SUFFIXES = {
    "", ".cfg", ".css", ".html", ".ini", ".js", ".json", ".lock", ".mako", ".md", ".py", ".sh", ".sql", ".svg", ".tf",
    ".toml", ".txt", ".yaml", ".yml",
}  # fmt: skip


def files(*folders: str, suffixes: set[str]) -> Iterator[Path]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and path.suffix in suffixes and "__pycache__" not in path.parts:
                yield path


def modules() -> list[Path]:
    return list(files("src", suffixes={".py"}))


def python_files() -> list[Path]:
    return list(files("src", "tests", suffixes={".py"}))


def lines_matching(paths: Iterator[Path] | list[Path], pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in paths
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if pattern.search(line)
    ]


def test_a_module_fits_in_one_sitting() -> None:
    lengths = {
        path.relative_to(ROOT): len(path.read_text(encoding="utf-8").splitlines()) for path in modules()
    }
    too_long = {str(path): length for path, length in lengths.items() if length > MODULE_LINES_MAX}
    assert not too_long


def test_a_function_fits_on_a_screen() -> None:
    too_long = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {node.name} has {length} lines"
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES_MAX
    ]
    assert not too_long


def test_every_module_is_named_for_its_noun() -> None:
    nameless = [
        str(path.relative_to(ROOT))
        for path in modules()
        if NAMES_THAT_SAY_NOTHING & set(path.relative_to(SOURCE).with_suffix("").parts)
    ]
    assert not nameless


def test_nobody_leaves_a_note_to_self() -> None:
    assert not lines_matching(files("src", "tests", "docs", "deploy", suffixes=TEXT_SUFFIXES), NOTES_TO_SELF)


def test_a_silenced_check_says_why() -> None:
    unexplained = [
        found
        for found in lines_matching(python_files(), SILENCER)
        if not SILENCER_WITH_REASON.search(found) and "re.compile" not in found
    ]
    assert not unexplained


def test_no_assertion_holds_by_construction() -> None:
    empty = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in python_files()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Assert) and isinstance(node.test, ast.Constant) and node.test.value
    ]
    assert not empty


def test_no_file_names_a_package_registry() -> None:
    at_root = [path for path in sorted(ROOT.iterdir()) if path.is_file() and path.suffix in TEXT_SUFFIXES]
    below = list(files("src", "tests", "docs", "deploy", ".ci", ".github", suffixes=TEXT_SUFFIXES))
    assert not lines_matching([*at_root, *below], REGISTRY_HOSTS)


def module_name(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def names_mentioned(path: Path) -> Iterator[str]:
    """Every dotted name that the file imports, or spells in a string to import it late."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from (each.name for each in names)
            case ast.ImportFrom(module=str(origin), names=names):
                yield origin
                yield from (f"{origin}.{each.name}" for each in names)
            case ast.Constant(value=str(text)):
                yield text.partition(":")[0]


def test_no_module_is_dead() -> None:
    paths = {module_name(path): path for path in modules()}
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    entries = {target.partition(":")[0] for target in scripts.values()}
    assert entries <= paths.keys()
    waiting = [*(entries | STARTED_BY_PATH) & paths.keys()]
    waiting += [name for name in paths if name.endswith(".__main__") or ".migrations." in name]
    waiting += [
        name
        for path in files("tests", suffixes={".py"})
        for name in names_mentioned(path)
        if ".contracts" in name
    ]
    reached: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in paths and name not in reached:
            reached.add(name)
            waiting += [name.rpartition(".")[0], *names_mentioned(paths[name])]
    assert not sorted(paths.keys() - reached)
