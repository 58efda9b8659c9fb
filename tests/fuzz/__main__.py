"""``python -m tests.fuzz TARGET [--seconds 180]``: mutate inputs of one reader until one of them breaks it.

With atheris (``pip install atheris``, where it has a wheel for this Python) coverage guides the search;
without it a mutator of our own goes on from the seeds without a guide. An input that breaks something is
written to ``crash-*`` in the current folder, and the exit status is not 0: it belongs into
``tests/fuzz/found/TARGET/``.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import sys
import tempfile
import time
from pathlib import Path


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("target")
    parser.add_argument("--seconds", type=int, default=180)
    options = parser.parse_args()
    sys.path[0:0] = [str(Path(__file__).resolve().parents[2] / "bench")]
    try:
        import atheris  # noqa: PLC0415 - need not be there
    except ImportError:
        return _unguided(options.target, options.seconds)
    with atheris.instrument_imports(include=["plainwire"], enable_loader_override=False):
        from tests.fuzz.seeds import SEEDS  # noqa: PLC0415 - while imports are instrumented
        from tests.fuzz.targets import TARGETS  # noqa: PLC0415
    with tempfile.TemporaryDirectory(prefix="plainwire-fuzz-") as corpus:
        for seed in SEEDS[options.target]():
            Path(corpus, hashlib.sha256(seed).hexdigest()).write_bytes(seed)
        limits = [f"-max_total_time={options.seconds}", "-max_len=16384", "-rss_limit_mb=2048", "-timeout=60"]
        atheris.Setup([sys.argv[0], corpus, *limits], TARGETS[options.target])
        atheris.Fuzz()
    return 0


def _unguided(target: str, seconds: int) -> int:
    from tests.fuzz.mutation import mutated  # noqa: PLC0415 - as above
    from tests.fuzz.seeds import SEEDS  # noqa: PLC0415
    from tests.fuzz.targets import TARGETS  # noqa: PLC0415

    until, seeds, count = time.monotonic() + seconds, SEEDS[target](), 0
    for number in itertools.count():
        for data in mutated(seeds, 100, number):
            count += 1
            try:
                TARGETS[target](data)
            except Exception:
                Path(f"crash-{hashlib.sha256(data).hexdigest()}").write_bytes(data)
                raise
        if time.monotonic() > until:
            break
    print(f"{target}: {count} inputs, none broke it (without a guide: atheris is not installed)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
