"""Which TLS libraries a program has, and how their secrets can be had: what ``plainwire inspect`` shows.

A running process says it by its memory map. Of a command that does not run yet we know what the loader
would load; what it loads by itself later cannot be known, with one exception that is worth asking: Python
and its ``ssl`` module.

A library is known by its file's name, its version by a string in it. Code that was linked into something
else is known by a label of the key log format, which every implementation that can log must contain.
"""

from __future__ import annotations

import json
import mmap
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import Struct, field

from plainwire import sudo
from plainwire.acquire import elf, interposer, patching, runtime, unprivileged
from plainwire.acquire.target import find
from plainwire.model import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Method = Literal["preload", "SSLKEYLOGFILE", "patch", "agent", "not yet"]
"""How ``plainwire run`` has the secrets. ``preload``: by functions of the library's own, which the
interposer stands in for. ``SSLKEYLOGFILE``: the library logs by itself where that is set. ``patch``: from a
function of it, in memory. ``agent``: from inside the Java virtual machine.
"""

_LABEL = re.compile(rb"CLIENT_HANDSHAKE_TRAFFIC_SECRET")
_RUSTLS = re.compile(rb"NoKeyLog")
_S2N = re.compile(rb"s2n_config_set_key_log_cb")
_OPENSSL_VERSION = re.compile(rb"OpenSSL (\d+\.\d+\.\d+[a-z]*)\S* +\d{1,2} [A-Z][a-z]{2} \d{4}")
_EVP_Q_MAC = re.compile(rb"\0EVP_Q_mac\0")
_SSLKEYLOGFILE = re.compile(rb"SSLKEYLOGFILE")
_NSS_VERSION = re.compile(rb"Version: NSS (\d+\.\d+(?:\.\d+)*)")
_GNUTLS_VERSION = re.compile(rb"GnuTLS (\d+\.\d+\.\d+)")
_MBEDTLS_VERSION = re.compile(rb"[Mm]bed TLS (\d+\.\d+\.\d+)")
_WOLFSSL_VERSION = re.compile(rb"wolfSSL (\d+\.\d+\.\d+)")
_SMALL = {
    "libmbedtls": (
        "mbedTLS",
        _MBEDTLS_VERSION,
        ("mbedtls_ssl_set_export_keys_cb", "mbedtls_ssl_conf_export_keys_ext_cb"),
    ),
    "libwolfssl": ("wolfSSL", _WOLFSSL_VERSION, ("wc_PRF_TLS",)),
    "libbearssl": ("BearSSL", None, ("br_tls12_sha256_prf",)),
}
"""By how the file's name begins: the library, where its version stands, and the functions of which the
interposer needs one (``native/interposer/mbedtls.c``, ``derivation.c``).
"""
_SMALL_INSIDE = {
    "mbedTLS": re.compile(rb"mbedtls_ssl_fetch_input"),
    "wolfSSL": re.compile(rb"ASN no signer error to confirm failure"),
}
"""Words of those that no program has that is only linked with one."""
_LAUNCHED_ONLY = ("rustls", "Erlang's ssl")
_SECONDS = 20
_SECONDS_IN_ALL = 3 * _SECONDS
_LONGEST_ANSWER = 4 << 20
_PACKAGES = "packages may bring TLS libraries of their own: inspect the running process with --pid"
_ASK_PYTHON = "import ssl; print(*{l.split()[-1] for l in open('/proc/self/maps') if '/' in l}, sep='\\n')"


class TlsLibrary(Struct, frozen=True):
    """One TLS library of a program. ``loaded`` says who brings it in, where that is not the loader; ``why``
    its secrets are not to be had, where that is known.
    """

    path: str
    name: str
    version: str | None
    method: Method
    loaded: str = ""
    why: str = ""


class Inspection(Struct):
    """What was found. ``missing`` are lines about this installation, ``notes`` about the program."""

    subject: str
    libraries: list[TlsLibrary] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def with_callers_rights(look: Callable[[], Inspection]) -> Inspection:
    """What ``look`` finds; under sudo with the rights of whoever called it, by a process that has no others.

    What is looked at is the caller's to name: files are opened, and a loader and an interpreter run.

    Raises:
        UserError: as ``look`` does; or it did not end.

    """
    if sudo.caller() is None:
        return look()

    def told() -> bytes:
        try:
            answer: object = msgspec.to_builtins(look())
        except UserError as error:
            answer = [str(error), error.exit_code]
        return json.dumps(answer).encode()  # which takes names that are no UTF-8

    said = unprivileged.done(told, within=_SECONDS_IN_ALL, most=_LONGEST_ANSWER)
    answer = None if said is None else json.loads(said)
    if isinstance(answer, list):
        raise UserError(*answer)
    if answer is None:
        message = "it could not be looked at with the rights of the user who called sudo"
        raise UserError(message)
    return msgspec.convert(answer, Inspection)


def of_command(command: Sequence[str]) -> Inspection:
    """Inspect a command without running it (a Python interpreter is asked about its ``ssl`` module).

    Raises:
        UserError: there is no such command.

    """
    target = find(command)
    found = Inspection(" ".join(command))
    if target.untouched:
        found.notes.append(target.untouched)
    program = Path(target.program)
    interpreter = _python_of(program)
    binary = interpreter or program
    found.libraries = _libraries([*_would_load(binary), *_machine(binary)])
    if interpreter is not None:
        known = {library.path for library in found.libraries}
        later = [library for library in _asked(interpreter) if library.path not in known]
        found.libraries += later
        found.notes.append(_PACKAGES)
    return _conclude(found)


def of_process(pid: int) -> Inspection:
    """Inspect a running process by its memory map.

    Raises:
        UserError: there is no such process, or it belongs to somebody else.

    """
    try:
        maps = Path(f"/proc/{pid}/maps").read_text(errors="surrogateescape")
        name = Path(f"/proc/{pid}/comm").read_text(errors="replace").strip()
    except (FileNotFoundError, ProcessLookupError):
        message = f"{pid}: no such process"
        raise UserError(message) from None
    except PermissionError:
        message = f"{pid}: {_closed(pid)}"
        raise UserError(message) from None
    paths = list(dict.fromkeys(line.split(maxsplit=5)[5] for line in maps.splitlines() if "/" in line))
    found = Inspection(f"process {pid} ({name})", _libraries(paths))
    if any(Path(path).name == interposer.LIBRARY for path in paths):
        found.notes.append("it runs under plainwire already")
    elif any(
        each.method in ("preload", "patch") and each.name not in _LAUNCHED_ONLY for each in found.libraries
    ):
        found.notes.append(f"to have its secrets from now on: plainwire attach {pid}")
    elif any(library.method in ("patch", "agent") for library in found.libraries):
        found.notes.append("a process that already runs cannot be reached yet: start it with plainwire run")
    return _conclude(found)


def _closed(pid: int) -> str:
    """Why the kernel does not let this process look at another one (ptrace(2))."""
    if os.geteuid() == 0:
        return (
            "root may not look at it here: it has capabilities that this root lacks (CAP_SYS_PTRACE is one)"
        )
    return f"belongs to another user (in a root shell: plainwire inspect --pid {pid})"


def _conclude(found: Inspection) -> Inspection:
    if not found.libraries:
        found.notes.append("no TLS library was found; the program may load one later")
    if interposer.compiled() is None:
        found.missing.append(interposer.missing())
    return found


def _would_load(program: Path) -> list[str]:
    """The program's file and what the loader would load for it; the file alone for another loader."""
    loader = find([str(program)]).elf
    if loader is None or not loader.takes_preloads:
        return [str(program)]
    listed = _output([str(loader.interpreter), "--list", str(program)])
    return [str(program), *(match[1] for match in re.finditer(r"=> (/.*) \(0x", listed))]


def _machine(program: Path) -> list[str]:
    """The Java virtual machine that the ``java`` command loads by itself."""
    machine = program.resolve().parent.parent / "lib" / "server" / "libjvm.so"
    return [str(machine)] if program.name == "java" and machine.exists() else []


def _asked(python: Path) -> list[TlsLibrary]:
    """What ``import ssl`` brings into that interpreter."""
    paths = _output([str(python), "-c", _ASK_PYTHON]).splitlines()
    return [msgspec.structs.replace(found, loaded="by Python's ssl module") for found in _libraries(paths)]


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


def _python_of(program: Path) -> Path | None:
    """The Python interpreter that ``program`` is, or that its first line names."""
    if program.name.startswith("python"):
        return program
    try:
        with program.open("rb") as file:
            line = os.fsdecode(file.readline(256))
    except OSError:
        return None
    words = line[2:].split() if line.startswith("#!") else []
    if words and Path(words[0]).name == "env":
        words = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
    if not words or not Path(words[0]).name.startswith("python"):
        return None
    path = shutil.which(words[0])
    return Path(path) if path else None


def _libraries(paths: Iterable[str]) -> list[TlsLibrary]:
    """The TLS libraries among mapped files, each file once (it may be reached by several names)."""
    files = {os.path.realpath(path): path for path in paths}
    found = (_classify(Path(path), files) for path in files)
    return sorted((library for library in found if library is not None), key=lambda library: library.path)


def _classify(path: Path, others: Iterable[str]) -> TlsLibrary | None:
    name = path.name
    if re.match(r"libssl[-.]", name) and ".so" in name:
        version = _version(_OPENSSL_VERSION, [path, *_companions(path, others)])
        old = version is not None and version < "1.1.1" and not version.startswith("1.0.2")
        return TlsLibrary(str(path), "OpenSSL", version, "not yet" if old else "preload")
    if name.startswith("libgnutls"):
        return TlsLibrary(str(path), "GnuTLS", _version(_GNUTLS_VERSION, [path]), "SSLKEYLOGFILE")
    if name == "libssl3.so":
        return _nss(path)
    if name == "libjvm.so":
        version = runtime.version(str(path.parent.parent.parent / "bin" / "java"))
        return TlsLibrary(str(path), "JSSE", version, "agent")
    if name.startswith(tuple(_SMALL)):
        return _small(path, others)
    return None if name == interposer.LIBRARY or name.startswith("libcrypto") else _inside(path)


def _small(path: Path, others: Iterable[str]) -> TlsLibrary:
    name, pattern, functions = next(each for start, each in _SMALL.items() if path.name.startswith(start))
    beside = [Path(other) for other in others if Path(other).name.startswith("libmbedcrypto")]
    version = None if pattern is None else _version(pattern, [path, *beside])
    if any(_has_function(path, function) for function in functions):
        return TlsLibrary(str(path), name, version, "preload")
    return TlsLibrary(str(path), name, version, "not yet", why=f"it has no {' nor '.join(functions)}")


def _has_function(path: Path, name: str) -> bool:
    try:
        return elf.function(path, name, 1) is not None
    except OSError:
        return False


def _small_inside(path: Path) -> TlsLibrary | None:
    for name, words in _SMALL_INSIDE.items():
        if _search(path, words):
            why = "it is linked in, and tells its secrets to nothing that could be patched"
            return TlsLibrary(str(path), name, None, "not yet", why=why)
    return None


def _inside(path: Path) -> TlsLibrary | None:
    if path.name == "crypto.so" and elf.exported_function(path, "nif_init", 1):
        return _erlang(path)
    small = _small_inside(path)
    return _linked_in(path) if small is None and _search(path, _LABEL) else small


def _erlang(path: Path) -> TlsLibrary:
    """Its TLS is written in Erlang, and reckons with OpenSSL (``native/patch/erlang.c``)."""
    found = TlsLibrary(str(path), "Erlang's ssl", None, "patch", loaded="by Erlang's application crypto")
    if _search(path, _EVP_Q_MAC):
        return found
    return msgspec.structs.replace(
        found, method="not yet", why="it reckons with another OpenSSL than is known"
    )


def _nss(path: Path) -> TlsLibrary:
    """As Firefox has it, it honours SSLKEYLOGFILE; as distributions mostly build it, it does not."""
    beside = path.with_name("libnss3.so")
    found = TlsLibrary(str(path), "NSS", _version(_NSS_VERSION, [beside]), "SSLKEYLOGFILE")
    if _search(path, _SSLKEYLOGFILE):
        return found
    answer = patching.of_nss(path)
    if isinstance(answer, str):
        return msgspec.structs.replace(found, method="not yet", why=answer)
    return msgspec.structs.replace(found, method="patch")


def _linked_in(path: Path) -> TlsLibrary:
    version = _version(_OPENSSL_VERSION, [path])
    image = elf.read(path)
    if image is not None and image.go:
        place = patching.of_go(path)
        if isinstance(place, str):
            return TlsLibrary(str(path), "Go's crypto/tls", None, "not yet", why=place)
        return TlsLibrary(str(path), "Go's crypto/tls", None, "patch")
    if _search(path, _S2N):
        return TlsLibrary(str(path), "s2n", None, "preload")
    name = "rustls" if _search(path, _RUSTLS) else "linked in"
    answer = patching.judge(path)
    found = TlsLibrary(str(path), name, version, "not yet")
    if answer == "patch":
        return msgspec.structs.replace(found, method="patch")
    if answer == "SSLKEYLOGFILE":
        return msgspec.structs.replace(found, method="SSLKEYLOGFILE")
    return msgspec.structs.replace(found, why=answer or "")


def _companions(libssl: Path, others: Iterable[str]) -> list[Path]:
    """Since OpenSSL 3 the version stands in libcrypto only: the one beside it, or any with the same
    suffix.
    """
    suffix = libssl.name.split(".so", 1)[1]
    cryptos = [path for path in map(Path, others) if path.name.startswith("libcrypto")]
    fitting = [path for path in cryptos if path.name.endswith(suffix)]
    return sorted(fitting, key=lambda path: path.parent != libssl.parent)


def _version(pattern: re.Pattern[bytes], paths: Iterable[Path]) -> str | None:
    for path in paths:
        match = _search(path, pattern)
        if match is not None:
            return match.decode()
    return None


def _search(path: Path, pattern: re.Pattern[bytes]) -> bytes | None:
    """The pattern's last group in a file of any size; None where it is not there, or the file cannot be
    read.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            match = pattern.search(data)
            return None if match is None else bytes(match[match.re.groups])
    except (OSError, ValueError):  # an empty file cannot be mapped
        return None
