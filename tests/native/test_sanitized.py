"""The interposer's own sources under sanitizers, driven by threads, forks and signals (harness.c)."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.native.test_library import SOURCES, exported
from tests.needs import tool

HARNESS = Path(__file__).with_name("harness.c")


def built(folder: Path, sanitizer: str) -> Path:
    """The harness, with sources whose hooks have other names: under their own, they would stand in the place
    of the sanitizer's.
    """
    flags = [
        "-std=gnu11",
        "-O1",
        "-g",
        "-w",
        "-pthread",
        f"-fsanitize={sanitizer}",
        "-fno-sanitize-recover=all",
    ]
    names = folder / "names"
    names.write_text("".join(f"{name} hook_{name}\n" for name in exported()))
    objects: list[Path] = []
    for source in SOURCES.parent.glob("*/*.c"):
        made = folder / f"{source.stem}.o"
        standard = [flag.replace("gnu11", "c11") for flag in flags]
        if (
            source.parent.name == "patch"
        ):  # it reads the whole of other objects, with what lies between things
            standard = [flag for flag in standard if "sanitize" not in flag]
        subprocess.run(
            [tool("gcc"), *standard, "-fno-builtin", "-c", source, "-o", made], check=True, timeout=120
        )
        subprocess.run([tool("objcopy"), f"--redefine-syms={names}", made], check=True, timeout=60)
        objects.append(made)
    program = folder / "harness"
    linked = [str(path) for path in (HARNESS, *objects)]
    command = [tool("gcc"), *flags, f"-I{SOURCES}", *linked, "-o", str(program), "-ldl"]
    subprocess.run(command, check=True, timeout=300)
    return program


@pytest.mark.parametrize("sanitizer", ["address,undefined", "thread"])
def test_nothing_is_found_by_a_sanitizer(tmp_path: Path, sanitizer: str) -> None:
    program = built(tmp_path, sanitizer)
    for name in ("keys", "events"):
        (tmp_path / name).touch(0o600)
    environment = dict(os.environ) | {
        "PLAINWIRE_KEYS": str(tmp_path / "keys"),
        "PLAINWIRE_EVENTS": str(tmp_path / "events"),
        "PLAINWIRE_FILTERS": "100",
        "ASAN_OPTIONS": "detect_leaks=0",
        "TSAN_OPTIONS": "halt_on_error=1 die_after_fork=0",
    }
    # TSan of some compilers does not know all places where a kernel may put things: setarch has them in one.
    with (tmp_path / "words").open("wb") as words:
        done = subprocess.run(
            [tool("setarch"), "-R", program, "60"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=words,
            check=False,
            timeout=540,
        )
    said = (tmp_path / "words").read_bytes()
    found = re.search(rb"(ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error)[^\0]{0,3000}", said)
    assert (found and found[0].decode(errors="replace"), done.returncode, done.stdout) == (None, 0, b"done\n")
    kinds = {json.loads(line)["event"] for line in (tmp_path / "events").read_bytes().splitlines()}
    assert kinds >= {"process", "connect", "error", "close", "shutdown", "stderr", "tls", "end"}
