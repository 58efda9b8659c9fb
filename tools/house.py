"""``python tools/house.py``: what the shape of the house promises, beyond what linters know.

* No files of the package import each other in a circle, not even in functions or for the type checker.
* Every class name of the package occurs once, so that one search finds the class; but a class may extend its
  namesake.
* Tests mirror the source: ``tests/ROOM/test_NAME.py``, or ``test_NAME_ASPECT.py``, tests ``ROOM/NAME.py``.

Prints what breaks a promise, one line each; exit status 1 if anything does.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

Graph = dict[str, set[str]]

ELSEWHERE = {
    "end_to_end": "the whole of plainwire between real clients and servers: no one file is tested",
    "fuzz": "what reads foreign bytes, over bytes that nobody thought of",
    "native": "the interposer, which is native/interposer/*.c, inside real programs",
    "report/redact/test_planted.py": "all outputs together, for secrets planted in every place",
    "test_security_tests.py": "docs/security-tests.md, whose every line is held by a test",
    "diagnose/test_any_facts.py": "all rules together, on facts that nobody thought of",
    "diagnose/test_any_facts_of_streams.py": "the same, of HTTP/2 and HTTP/3",
    "diagnose/test_codes.py": "all codes together: their spelling, and whole sentences in their words",
    "diagnose/test_normal.py": "all rules together, on what is normal",
}
"""Tests without a file of the package beside them, by path or folder, and why."""

ROOTS = {"bench": Path("bench"), "tools": Path("tools")}
"""Folders of tests that mirror something else than the package."""


def main() -> int:
    """Check the folder that this file's folder is in."""
    top = Path(__file__).resolve().parents[1]
    broken = [*circles(top / "src"), *repeated_classes(top / "src"), *unmirrored(top)]
    for line in broken:
        print(line)
    return 1 if broken else 0


# --- circles -----------------------------------------------------------------------------------------


def circles(source: Path) -> Iterator[str]:
    """Groups of files that import each other, each as one of its circles."""
    graph = _imports(source)
    done: set[str] = set()
    for start in sorted(graph):
        yield from _walk(graph, start, [], done)


def _walk(graph: Graph, name: str, path: list[str], done: set[str]) -> Iterator[str]:
    if name in path:
        yield "circle of imports: " + " -> ".join([*path[path.index(name) :], name])
    elif name not in done:
        path.append(name)
        for other in sorted(graph.get(name, ())):
            yield from _walk(graph, other, path, done)
        path.pop()
        done.add(name)


def _imports(source: Path) -> Graph:
    """What each file imports, anywhere. The face of a package (``__init__``) may collect: it is no file."""
    files = {_module(path, source): path for path in sorted(source.rglob("*.py")) if path.stem != "__init__"}
    graph: Graph = {}
    for name, path in files.items():
        named = {full for node in ast.walk(_tree(path)) for full in _named(node, name)}
        graph[name] = {full for full in named if full in files and full != name}
    return graph


def _named(node: ast.AST, here: str) -> Iterator[str]:
    """The modules that an import may be of."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        package = here.split(".")[: -node.level] if node.level else []
        base = ".".join([*package, *filter(None, [node.module])])
        yield base
        yield from (f"{base}.{alias.name}" for alias in node.names)


def _module(path: Path, source: Path) -> str:
    return ".".join(path.relative_to(source).with_suffix("").parts)


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_bytes(), str(path))


# --- class names -------------------------------------------------------------------------------------


def repeated_classes(source: Path) -> Iterator[str]:
    """Class names that stand more than once."""
    places: dict[str, list[str]] = defaultdict(list)
    for path in sorted(source.rglob("*.py")):
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.ClassDef) and not _extends_its_namesake(node):
                places[node.name].append(f"{path.relative_to(source)}:{node.lineno}")
    for name, where in sorted(places.items()):
        if len(where) > 1:
            yield f"class {name} stands {len(where)} times: {', '.join(where)}"


def _extends_its_namesake(node: ast.ClassDef) -> bool:
    return any(isinstance(base, ast.Attribute) and base.attr == node.name for base in node.bases)


# --- tests -------------------------------------------------------------------------------------------


def unmirrored(top: Path) -> Iterator[str]:
    """Files of tests with nothing beside them that they test, and exceptions that are none."""
    tests = top / "tests"
    excepted = set()
    for path in sorted(tests.rglob("test_*.py")):
        relative = path.relative_to(tests)
        names = {str(relative), *map(str, relative.parents)}
        if names & ELSEWHERE.keys():
            excepted |= names & ELSEWHERE.keys()
        elif not _is_mirrored(relative, top):
            yield f"tests/{relative} mirrors no file of the source; name it in ELSEWHERE if it should not"
    for name in sorted(ELSEWHERE.keys() - excepted):
        yield f"tools/house.py: ELSEWHERE names tests/{name}, which is not there"


def _is_mirrored(relative: Path, top: Path) -> bool:
    first, rest = relative.parts[0], relative.parts[1:]
    room = (
        top / ROOTS[first] / Path(*rest[:-1]) if first in ROOTS else top / "src/plainwire" / relative.parent
    )
    words = relative.stem.split("_")[1:]
    stems = [room / "_".join(words[:count]) for count in range(1, len(words) + 1)]
    return any(stem.is_dir() or stem.with_suffix(".py").exists() for stem in stems)


if __name__ == "__main__":
    sys.exit(main())
