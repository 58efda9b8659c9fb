"""How much redaction hides that is no secret: ``python bench/redaction.py [--show]``.

Reads the corpus of captures that other projects made and prints how many of their request targets are
touched, counting each exchange and counting each target once, and how long one takes. Real secrets are among
them, so that the numbers are bounds from above. ``--show`` prints what becomes of each touched target.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance import ours, reference

from plainwire.model import UserError
from plainwire.report import redact

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Touched:
    """Targets with how often each occurs, and what is shown of those touched; ``seconds`` for all once."""

    targets: Counter[str] = field(default_factory=Counter)
    shown: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def share_of_targets(self) -> float:
        """Of different targets."""
        return len(self.shown) / len(self.targets)

    @property
    def share_of_exchanges(self) -> float:
        """Of all requests."""
        return sum(self.targets[target] for target in self.shown) / self.targets.total()


def measure(corpus: Path) -> Touched:
    """Redact the targets of a corpus.

    Raises:
        OSError: there is no such corpus.

    """
    touched = Touched(targets(corpus))
    begun = time.perf_counter()
    for target in touched.targets:
        shown = redact.target(target)
        if shown != target:
            touched.shown[target] = shown
    touched.seconds = time.perf_counter() - begun
    return touched


def targets(corpus: Path) -> Counter[str]:
    """The request targets of all captures."""
    found: Counter[str] = Counter()
    for capture in reference.captures(corpus):
        try:
            report = ours.analyze(capture)
        except UserError:
            continue
        found.update(e.request.target for e in report.exchanges if e.request is not None)
    return found


def main() -> int:
    """Print the table; exit status 1 where more than 2 % are touched."""
    touched = measure(reference.default_corpus())
    print(f"{touched.targets.total()} requests, {len(touched.targets)} different targets")
    print(f"touched: {touched.share_of_exchanges:.2%} of requests, {touched.share_of_targets:.2%} of targets")
    print(f"{touched.seconds / len(touched.targets) * 1e6:.1f} us a target")
    if "--show" in sys.argv:
        for target, shown in sorted(touched.shown.items()):
            print(f"{target!r}\n  {shown!r}")
    return int(max(touched.share_of_targets, touched.share_of_exchanges) > 0.02)


if __name__ == "__main__":
    sys.exit(main())
