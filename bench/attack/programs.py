"""The programs: how each is built and started, and what it needs of the machine.

Each file in ``programs/`` says in its first lines what it does when it is alone.
"""

from __future__ import annotations

import ctypes.util
import functools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.acquire import interposer
from plainwire.lab import certificates

if TYPE_CHECKING:
    from collections.abc import Callable

SOURCES = Path(__file__).with_name("programs")
_SEARCH_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"))
_NOBODY = 65534
_32_BIT = "gcc -m32"


class Program(Struct, frozen=True):
    """A program to start.

    ``needs`` are commands, ``root``, or ``gcc -m32``; ``build`` makes its command in a folder; ``noise`` is
    what of its words differs from start to start.
    """

    name: str
    build: Callable[[Path], list[str]]
    needs: tuple[str, ...] = ("gcc",)
    noise: str = ""

    def missing(self) -> list[str]:
        """What this machine has not, of what the program needs."""
        return [need for need in self.needs if not _present(need)]

    def plain(self, words: bytes) -> bytes:
        """``words`` without the noise."""
        return re.sub(self.noise.encode(), b"", words) if self.noise else words


def _present(need: str) -> bool:
    if need == "root":
        return os.geteuid() == 0
    if need == _32_BIT:
        return _compiles(_32_BIT)
    return shutil.which(need, path=_SEARCH_PATH) is not None


@functools.cache
def _compiles(command: str) -> bool:
    words = [*command.split(), "-o", os.devnull, str(SOURCES / "hello.c")]
    try:
        return subprocess.run(words, capture_output=True, check=False, timeout=60).returncode == 0
    except OSError:
        return False


def _tool(name: str) -> str:
    return shutil.which(name, path=_SEARCH_PATH) or name


def _compiled(
    source: str, *flags: str, words: tuple[str, ...] = (), compiler: str = "gcc"
) -> Callable[[Path], list[str]]:
    def build(folder: Path) -> list[str]:
        made = folder / Path(source).stem
        command = [
            _tool(compiler),
            "-O1",
            "-g",
            "-w",
            str(SOURCES / source),
            "-o",
            str(made),
            *flags,
            "-pthread",
        ]
        subprocess.run(command, check=True, timeout=300)
        return [str(made), *words]

    return build


def _rust(folder: Path) -> list[str]:
    made = folder / "overflow"
    source = str(SOURCES / "overflow.rs")
    compiler = _tool("rustc")
    # rustup's rustc looks for its toolchains in the home folder, which may be another one than it came into
    toolchains = Path(compiler).parents[2] / ".rustup"
    home = {"RUSTUP_HOME": str(toolchains)} if toolchains.is_dir() else {}
    subprocess.run(
        [compiler, "-A", "warnings", "-O", "-o", str(made), source],
        env={**home, **os.environ},
        check=True,
        timeout=300,
    )
    return [str(made)]


def _go(folder: Path) -> list[str]:
    """Static, as most are: the interposer is in none of its processes."""
    made = folder / "starting"
    subprocess.run(
        [_tool("go"), "build", "-o", str(made), "."],
        cwd=SOURCES / "starting_go",
        env={**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-p=1"},
        check=True,
        timeout=300,
    )
    return [str(made)]


def _with_libssl(source: str, *words: str) -> Callable[[Path], list[str]]:
    return _compiled(source, f"-l:{ctypes.util.find_library('ssl')}", "-l:libcrypto.so.3", words=words)


def _copies(folder: Path) -> list[str]:
    """More copies of libssl than the interposer logs."""
    (command,) = _compiled("copies.c", "-ldl")(folder)
    maps = "import ctypes, sys; ctypes.CDLL(sys.argv[1]); print(open('/proc/self/maps').read())"
    listed = subprocess.run(
        [sys.executable, "-c", maps, str(ctypes.util.find_library("ssl"))],
        capture_output=True,
        text=True,
        check=True,
    )
    library = re.search(r"/\S*/libssl\.so\S*", listed.stdout)
    copies = [folder / f"copy{number}.so" for number in range(70)]
    for copy in copies if library else ():
        shutil.copyfile(library[0] if library else "", copy)
    return [command, *map(str, copies)]


def _late(folder: Path) -> list[str]:
    certificates.make(folder, ("localhost",))
    words = (str(folder / "server.pem"), str(folder / "server.key"))
    return _with_libssl("late.c", *words)(folder)


def _leaving(folder: Path) -> list[str]:
    certificates.make(folder, ("localhost",))
    words = (str(folder / "server.pem"), str(folder / "server.key"))
    return _with_libssl("leaving.c", *words)(folder)


def _not_libraries(folder: Path) -> list[str]:
    """Broken ELF files, text, nothing; and a library with libssl's names, which is something else."""
    (command,) = _compiled("not_libraries.c", "-ldl")(folder)
    (made,) = _compiled("not_libssl.c", "-shared", "-fPIC")(folder)
    whole = Path(made).read_bytes()
    damaged = whole[:32] + bytes([0xFF] * 8) + whole[40:]  # where its program headers are
    contents = {
        "libssl.so.3": whole,
        "helper.so": whole,
        "cut/libssl.so.3": whole[:200],
        "damaged/libssl.so.3": damaged,
        "loader/libssl.so.3": whole[:4] + b"\1" + whole[5:],  # of 32 bits, it says
        "text/libssl.so.3": b"/* GNU ld script */ INPUT(libssl.so)\n",
        "empty/libssl.so.3": b"",
        "short/libssl.so.3": whole[: len(whole) // 2],  # the loader ends by a signal
    }
    for name, content in contents.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    return [command, *(str(folder / name) for name in contents)]


def _other_root(folder: Path) -> list[str]:
    """A root with nothing in it but one program, its loader and its libraries."""
    root = folder / "root"
    root.mkdir()
    (hello,) = _compiled("hello.c")(root)
    listed = subprocess.run([_tool("ldd"), hello], capture_output=True, text=True, check=True).stdout
    for library in re.findall(r"(/\S+) \(0x", listed):
        (root / library[1:]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(library, root / library[1:])
        (root / library[1:]).chmod(0o755)
    return _compiled("other_root.c", words=(str(root),))(folder)


def _other_mounts(folder: Path) -> list[str]:
    """Where the interposer lies, and where it is copied to, are empty there."""
    compiled = interposer.compiled()
    hidden = ["/tmp", "/var/tmp", *([str(compiled.parent)] if compiled else [])]
    return _compiled("other_mounts.c", words=tuple(hidden))(folder)


def _chromium(folder: Path) -> list[str]:
    """As a normal user, with its own sandbox."""
    home = folder / "home"
    home.mkdir()
    folder.chmod(0o755)
    os.chown(home, _NOBODY, _NOBODY)
    as_nobody = [_tool("setpriv"), *_AS_NOBODY]
    browser = [_tool("chromium"), "--headless", "--disable-gpu", "--no-first-run", "--dump-dom"]
    return [
        *as_nobody,
        *("env", f"HOME={home}", *browser, f"--user-data-dir={home}/profile"),
        "data:text/html,<p>hello</p>",
    ]


def _under_asan(folder: Path) -> list[str]:
    """A program that the user runs with a sanitizer's library before it."""
    listed = subprocess.run(
        [_tool("gcc"), "-print-file-name=libasan.so"], cwd=folder, capture_output=True, text=True, check=True
    )
    return ["/bin/sh", "-c", f"LD_PRELOAD={listed.stdout.strip()} /bin/echo said"]


def _command(*words: str) -> Callable[[Path], list[str]]:
    return lambda _: [_tool(words[0]), *words[1:]]


_AS_NOBODY = (f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups")
_LIMITED = """
ulimit -f 0; ulimit -n 4; echo said; echo words >&2; /bin/echo said; ls /no/such/folder
ulimit -n 3; /bin/echo never
"""
_STARTING = """
import os, subprocess
print(subprocess.run(["sh", "-c", "env; exit 3"], env={"A": "b"}).returncode)
print(subprocess.run("exit 4", shell=True, close_fds=False).returncode, os.system("echo by system"))
os.environ.clear()
os.waitpid(os.posix_spawn("/usr/bin/env", ["env"], {}), 0)
os.execv("/usr/bin/env", ["env"])
"""
_CHROMIUM_SAYS = r"(?m)^\[[^\n]*ERROR:(dbus|gpu|mojo)/[^\n]*\n|\d+(?=: unexpected operator)"
"""Of races in its own processes, alone as well; its script prints the machine's memory, which varies."""
_BUBBLE = ("--ro-bind", "/", "/", "--tmpfs", "/tmp", "--unshare-all")

PROGRAMS = (
    Program("strict", _compiled("strict.c")),
    Program("filtered-prctl", _compiled("filtered.c", words=("prctl",))),
    Program("filtered-syscall", _compiled("filtered.c", words=("syscall",))),
    Program("filtered-asking", _compiled("filtered.c", words=("asking",))),
    Program("started-inside", _compiled("inside.c")),
    Program("sandboxed-fork", _compiled("sandboxed_fork.c")),
    Program("thread-filter", _compiled("thread_filter.c")),
    Program("alternate-stack-8192", _compiled("alternate_stack.c", words=("8192",))),
    Program("small-threads", _compiled("small_threads.c")),
    Program("rust-stack-overflow", _rust, ("rustc",), r" \(\d+\)"),
    Program("asan", _compiled("hello.c", "-fsanitize=address")),
    Program("asan-static", _compiled("hello.c", "-fsanitize=address", "-static-libasan")),
    Program("tsan", _compiled("hello.c", "-fsanitize=thread")),
    Program("tsan-static", _compiled("hello.c", "-fsanitize=thread", "-static-libtsan")),
    Program("ubsan", _compiled("hello.c", "-fsanitize=undefined")),
    Program("asan-preloaded", _under_asan),
    Program("asan-threads", _compiled("threads.c", "-fsanitize=address", "-static-libasan")),
    Program("tsan-closing", _compiled("closing.c", "-fsanitize=thread", "-static-libtsan")),
    Program("32-bit", _compiled("hello.c", "-m32"), (_32_BIT,)),
    Program("marked-branches", _compiled("hello.c", "-fcf-protection=full", "-Wl,-z,ibt,-z,shstk")),
    Program("musl", _compiled("hello.c", compiler="musl-gcc"), ("musl-gcc",)),
    Program("musl-threads", _compiled("threads.c", compiler="musl-gcc"), ("musl-gcc",)),
    Program("musl-static", _compiled("hello.c", "-static", compiler="musl-gcc"), ("musl-gcc",)),
    Program("static", _compiled("hello.c", "-static")),
    Program("other-root", _other_root, ("gcc", "root")),
    Program("other-mounts", _other_mounts, ("gcc", "root")),
    Program("few-descriptors", _compiled("few_descriptors.c")),
    Program("closing", _compiled("closing.c")),
    Program("numbers", _compiled("numbers.c")),
    Program("vforks", _compiled("vforks.c")),
    Program("forks", _compiled("forks.c")),
    Program("contexts", _with_libssl("contexts.c", "2000")),
    Program("copies", _copies),
    Program("late", _late),
    Program("leaving", _leaving),
    Program("not-libraries", _not_libraries),
    Program("surrender-rcu", _compiled("surrender.c", words=("rcu",)), ("gcc", "root")),
    Program("surrender-ucr", _compiled("surrender.c", words=("uc",)), ("gcc", "root")),
    Program("signals", _compiled("signals.c")),
    Program("starting", _compiled("starting.c")),
    Program("starting-go", _go, ("go",)),
    Program("raw-calls", _compiled("raw.c")),
    Program("errors", _compiled("errors.c")),
    Program("threads", _compiled("threads.c")),
    Program("fresh-environment", _command("env", "-i", "A=b", "LD_PRELOAD=libm.so.6", "env"), ()),
    Program("limited-shell", _command("sh", "-c", _LIMITED), ()),
    Program("set-user-id", _command("setpriv", *_AS_NOBODY, "su", "--version"), ("setpriv", "root")),
    Program("python-starting", _command("python3", "-c", _STARTING), ()),
    Program(
        "python", _command("python3", "-c", "import ssl; print(ssl.create_default_context().verify_mode)")
    ),
    Program("node", _command("node", "-e", "console.log(process.versions.openssl)"), ("node",)),
    Program("bubblewrap", _command("bwrap", *_BUBBLE, "echo", "inside"), ("bwrap",)),
    Program("chromium", _chromium, ("chromium", "setpriv", "root"), _CHROMIUM_SAYS),
)
