"""Builds the interposer, where there is a C compiler; all else about the package stands in pyproject.toml."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

from distutils.command.build_scripts import build_scripts  # isort: skip - setuptools brings it

SOURCES = Path("native")


class BuildInterposer(build_ext):
    """The interposer is no Python module: a library of a fixed name that any process may load."""

    def get_ext_filename(self, fullname: str) -> str:
        """Return ``plainwire/acquire/libplainwire.so``, without the tag of a Python version."""
        return str(Path(*fullname.split(".")).with_suffix(".so"))


class BuildCommand(build_scripts):
    """The command is a script of the shell, and is told which Python it was installed with."""

    def run(self) -> None:
        """Write that one's path into it."""
        super().run()
        for script in Path(self.build_dir).iterdir():
            script.write_text(script.read_text().replace("@PYTHON@", sys.executable))


# So that the interposer does not switch off what the processor checks: return addresses, targets of branches.
# And uses no vector register, in which a program may have numbers where it calls nothing (native/patch/).
CHECKED = {
    "x86_64": ["-fcf-protection=full", "-mgeneral-regs-only"],
    "aarch64": ["-mbranch-protection=standard"],
}

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
        "-fno-tree-loop-distribute-patterns",
        *CHECKED.get(platform.machine(), []),
    ],
    extra_link_args=["-Wl,-z,now", "-Wl,-Bsymbolic", "-Wl,--as-needed", "-ldl"],
    optional=True,  # without a compiler plainwire still reads captures, and says what is missing
)

setup(
    ext_modules=[INTERPOSER] if sys.platform.startswith("linux") else [],
    cmdclass={"build_ext": BuildInterposer, "build_scripts": BuildCommand},
)
