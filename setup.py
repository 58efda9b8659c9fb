"""Builds the interposer, where there is a C compiler; all else about the package stands in pyproject.toml.

``PLAINWIRE_TARGET``, an architecture, is set by ``tools/wheels.py``: clang builds for that one then.
"""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

from distutils.command.build_scripts import build_scripts  # isort: skip - setuptools brings it

SOURCES = Path("native")
TARGET = os.environ.get("PLAINWIRE_TARGET", "")


class BuildInterposer(build_ext):
    """The interposer is no Python module: a library of a fixed name that any process may load."""

    def get_ext_filename(self, fullname: str) -> str:
        """Return ``plainwire/acquire/libplainwire.so``, without the tag of a Python version."""
        return str(Path(*fullname.split(".")).with_suffix(".so"))


class BuildWheel(bdist_wheel):
    """One wheel for every Python: what is compiled is no module of any."""

    def get_tag(self) -> tuple[str, str, str]:
        """PEP 425; for a target PEP 600, and the older name of the same."""
        _, _, system = super().get_tag()
        if TARGET:
            system = f"manylinux2014_{TARGET}.manylinux_2_17_{TARGET}"
        return "py3", "none", system


class BuildCommand(build_scripts):
    """The command is a script of the shell, and is told which Python it was installed with."""

    def run(self) -> None:
        """Write that one's path into it; in a wheel for others it finds the one that it lies beside."""
        super().run()
        if TARGET:
            return
        for script in Path(self.build_dir).iterdir():
            script.write_text(script.read_text().replace("@PYTHON@", sys.executable))


# So that the interposer does not switch off what the processor checks: return addresses, targets of branches.
# And uses no vector register, in which a program may have numbers where it calls nothing (native/patch/).
CHECKED = {
    "x86_64": ["-fcf-protection=full", "-mgeneral-regs-only"],
    "aarch64": ["-mbranch-protection=standard", "-mgeneral-regs-only"],
}

# Loops that copy bytes stay loops (text.h); to clang -fno-builtin says that as well.
GCC = ["-fno-tree-loop-distribute-patterns"]
CLANG = ["-fno-sanitize=all", "-fno-stack-protector"]

INTERPOSER = Extension(
    "plainwire.acquire.libplainwire",
    sources=[str(path) for path in sorted(SOURCES.glob("*/*.c"))],
    depends=[str(path) for path in sorted(SOURCES.glob("*/*.h"))],
    # -O2 is more than speed: two hooks need tail calls. Fortified functions are glibc's own, and would keep a
    # process under another libc, which inherits LD_PRELOAD, from starting. The last two: text.h.
    extra_compile_args=[
        "-std=c11",
        "-O2",
        "-Wall",
        "-Wextra",
        "-fvisibility=hidden",
        "-U_FORTIFY_SOURCE",
        "-fno-builtin",
        *(CLANG if TARGET else GCC),
        *CHECKED.get(TARGET or platform.machine(), []),
    ],
    extra_link_args=["-Wl,-z,now", "-Wl,-Bsymbolic", "-Wl,--as-needed", "-ldl"],
    optional=not TARGET,  # without a compiler plainwire still reads captures, and says what is missing
)

setup(
    ext_modules=[INTERPOSER] if sys.platform.startswith("linux") else [],
    cmdclass={
        "build_ext": BuildInterposer,
        "build_scripts": BuildCommand,
        "bdist_wheel": BuildWheel,
    },
)
