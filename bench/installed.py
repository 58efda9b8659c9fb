"""``python bench/installed.py``: what the core of plainwire takes on disk, as installed here, by package.

Without extras, and without what comes with every venv. ``.pyc`` files that pip made while it installed count.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import Distribution, distribution
from pathlib import Path


def main() -> int:
    """Print the table, largest first, and the sum."""
    sizes = {each.name: _size(each) for each in closure("plainwire")}
    for name, size in sorted(sizes.items(), key=lambda row: -row[1]):
        print(f"{size / 1e6:8.1f} MB  {name}")
    print(f"{sum(sizes.values()) / 1e6:8.1f} MB  in {len(sizes)} packages")
    return 0


def closure(name: str) -> list[Distribution]:
    """A package and all that it needs here, each once."""
    found: dict[str, Distribution] = {}
    waiting = [name]
    while waiting:
        package = distribution(waiting.pop())
        if package.name in found:
            continue
        found[package.name] = package
        waiting += [needed for needed in map(_needed, package.requires or []) if needed]
    return list(found.values())


def _needed(requirement: str) -> str:
    """The package that a requirement names; "" where it holds for an extra, or elsewhere only."""
    words, _, marker = requirement.partition(";")
    elsewhere = re.search(r"extra|win32|Windows|== *.PyPy|python_(full_)?version *<", marker)
    return "" if elsewhere else re.split(r"[^A-Za-z0-9._-]", words.strip())[0]


def _size(package: Distribution) -> int:
    paths = [Path(str(package.locate_file(file))) for file in package.files or []]
    return sum(path.stat().st_size for path in paths if path.is_file())


if __name__ == "__main__":
    sys.exit(main())
