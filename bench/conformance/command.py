"""What tshark finds in a corpus of captures, and what plainwire finds in them.

Each capture is read by plainwire with its secrets, in a process of its own, and compared message by message
with tshark's reading, which lies beside the corpus. Differences are shown, or explained in ``explained.tsv``.
"""

from __future__ import annotations

import argparse
import functools
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from conformance import explained, reference, table, timing, workers
from conformance.check import Checked, check

if TYPE_CHECKING:
    from conformance.reference import Capture

_SECONDS, _MEGABYTES = 60, 2048


def main() -> None:
    """Print the table; exit 1 where a capture ends in a traceback or at a limit."""
    options = _options()
    try:
        captures = [c for n, c in enumerate(reference.captures(options.corpus)) if _wanted(options, n, c)]
    except OSError as error:
        sys.exit(f"no corpus: {error} (--corpus DIR, or {reference.VARIABLE})")
    if options.timing:
        timing.show(captures)
        return
    results, errors = _check(options, captures)
    explanations = explained.read()
    if options.json:
        options.json.write_text(json.dumps(table.as_json(results, errors, explanations)))
    table.show(results, errors, explanations, every=options.all, alone=options.list, explain=options.explain)
    sys.exit(bool(errors))


def _wanted(options: argparse.Namespace, number: int, capture: Capture) -> bool:
    secret = bool(options.secrets and capture.keys)
    return options.match in capture.name and (secret or number % options.every == 0)


def _check(options: argparse.Namespace, captures: list[Capture]) -> tuple[list[Checked], table.Errors]:
    work = functools.partial(check, options.corpus, by_packet=options.pieces)
    results: list[Checked] = []
    errors: table.Errors = []
    limits = {"jobs": options.jobs, "seconds": options.seconds, "megabytes": _MEGABYTES}
    for number, outcome in enumerate(workers.run(work, captures, **limits), 1):
        if outcome.answer is None:
            errors.append((outcome.task.name, outcome.error or ""))
        else:
            results.append(outcome.answer)
        if sys.stderr.isatty():
            print(f"\r{number}/{len(captures)}", end="", file=sys.stderr, flush=True)
    return sorted(results, key=lambda result: result.name), sorted(errors)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/conformance", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--corpus", type=Path, default=reference.default_corpus(), help="default: %(default)s"
    )
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time (%(default)s)")
    parser.add_argument("--match", default="", metavar="TEXT", help="only captures with this in their name")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth capture")
    parser.add_argument("--secrets", action="store_true", help="with --every: and all that have secrets")
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="limit for one capture (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the whole result, for programs")
    parser.add_argument("--all", action="store_true", help="captures without differences too")
    parser.add_argument(
        "--list",
        choices=("theirs", "ours", "bodies"),
        help="each unexplained difference, with its packets",
    )
    parser.add_argument("--explain", action="store_true", help="with --list: the explained ones too")
    parser.add_argument("--pieces", action="store_true", help="also feed each capture packet by packet")
    parser.add_argument("--timing", action="store_true", help="instead: time both programs on each capture")
    return parser.parse_args()
