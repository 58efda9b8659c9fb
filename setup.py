"""Builds the interposer, where there is a C compiler, and the kernel, where there is Rust.

All else about the package stands in pyproject.toml. ``PLAINWIRE_KERNEL=off``: the kernel is not built.
``tools/wheels.py`` sets ``PLAINWIRE_TARGET``, an architecture, ``PLAINWIRE_PLATFORM``, tags of wheels for it,
and ``PLAINWIRE_CARGO``, the command that builds the kernel for it; clang builds the interposer then.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

from distutils.command.build_scripts import build_scripts  # isort: skip - setuptools brings it
from distutils.errors import CompileError  # isort: skip - as above

SOURCES = Path("native")
TARGET = os.environ.get("PLAINWIRE_TARGET", "")


class BuildLibraries(build_ext):
    """The interposer is no Python module: a library of a fixed name that any process may load."""

    def get_ext_filename(self, fullname: str) -> str:
        """Return ``plainwire/acquire/libplainwire.so``, without the tag of a Python version."""
        suffix = ".abi3.so" if fullname.endswith("_kernel") else ".so"
        return str(Path(*fullname.split(".")).with_suffix(suffix))

    def build_extension(self, ext: Extension) -> None:
        """Compile one of both.

        Raises:
            CompileError: there is no Rust, or it fails (without the network it may lack crates).

        """
        if ext is not KERNEL:
            super().build_extension(ext)
            return
        command = os.environ.get("PLAINWIRE_CARGO", "cargo build").split()
        if shutil.which(command[0]) is None:
            message = "no Rust here: plainwire reads captures without its kernel, two times slower"
            raise CompileError(message)
        made = (Path("build") / "kernel").absolute()
        command += ["--release", "--locked", "--target-dir", str(made)]
        try:
            subprocess.run(command, cwd=SOURCES / "kernel", check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise CompileError(str(error)) from error
        library = next(made.glob("**/release/libplainwire_kernel.so"))
        target = Path(self.get_ext_fullpath(ext.name))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(library, target)


class BuildWheel(bdist_wheel):
    """One wheel for every Python: what is compiled is no module of any, or of CPython's stable ABI."""

    def get_tag(self) -> tuple[str, str, str]:
        """PEP 425; for a target what ``PLAINWIRE_PLATFORM`` says."""
        built = Path(self.get_finalized_command("build").build_lib)
        kernel = (built / "plainwire" / "_kernel.abi3.so").exists()
        _, _, system = super().get_tag()
        if TARGET:
            system = os.environ["PLAINWIRE_PLATFORM"]
        return ("cp311", "abi3", system) if kernel else ("py3", "none", system)


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

KERNEL = Extension(
    "plainwire._kernel",
    sources=[],
    depends=[str(path) for path in sorted((SOURCES / "kernel").glob("**/*.*"))],
    py_limited_api=True,
    optional=not os.environ.get("PLAINWIRE_CARGO"),
)

LIBRARIES = [INTERPOSER] if os.environ.get("PLAINWIRE_KERNEL") == "off" else [INTERPOSER, KERNEL]

SHARED = Path("share")  # the manual page, what shells complete with: where tools/manual.py was asked for them

setup(
    data_files=[(str(path.parent), [str(path)]) for path in sorted(SHARED.glob("**/*")) if path.is_file()],
    ext_modules=LIBRARIES if sys.platform.startswith("linux") else [],
    cmdclass={
        "build_ext": BuildLibraries,
        "build_scripts": BuildCommand,
        "bdist_wheel": BuildWheel,
    },
)
