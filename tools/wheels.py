"""``python tools/wheels.py [FOLDER]``: what is published, made twice, compared, and tried in a clean venv.

* A wheel for each architecture, ``py3-none-manylinux_2_17``: zig, which PyPI has, compiles the interposer for
  glibc 2.17 on any machine. ``auditwheel`` says whether that is so. Another for musl, which has no kernel
  and needs nothing of which there is no wheel for musl.
* The same with the kernel, ``cp311-abi3-manylinux_2_17``, which pip prefers: for each architecture for which
  Rust is here. ``RUSTC`` names another compiler than the one on the path. For aarch64: ``rustup target add
  aarch64-unknown-linux-gnu``; or Debian's ``rustc-web`` with ``libstd-rust-web-dev:arm64``.
* A source archive: it builds where there is a C compiler, and installs without one and without Rust.
* An SBOM (CycloneDX 1.5) of what the wheel depends on, as installed in the venv that it was tried in, and of
  the crates in the kernel.

All have the manual page and what shells complete with (``tools/manual.py``). Each Python here gets the wheel,
and those of which ``PLAINWIRE_PYTHONS`` has the paths, with colons between. Needs the network: zig, build
tools and dependencies come from PyPI, into venvs in a temporary folder.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

ARCHITECTURES = {"x86_64": "x86_64-sse-sse2-mmx-x87+soft_float", "aarch64": "generic-neon-fp_armv8"}
"""With the processor that zig is to compile for: one without vector registers, in which a program may have
numbers where it calls nothing (native/patch/). zig does not know -mgeneral-regs-only.
"""
MARKS = {
    "x86_64": ("objdump", "endbr64", "%[xyz]mm"),
    "aarch64": ("aarch64-linux-gnu-objdump", "bti", r"\b[bhsdqv]\d+\b(?!:)"),
}
"""Who reads code of it, what stands where calls by address lead to, and a vector register."""
GLIBC = "2.17"
PLATFORMS = {
    f"gnu.{GLIBC}": "manylinux2014_{0}.manylinux_2_17_{0}",
    "musl": "musllinux_1_1_{0}",
}
"""Tags of wheels, PEP 600 and PEP 656, by what zig calls the C library."""
NOT_FOR_MUSL = ("cypcap", "lz4")
"""Dependencies of which PyPI has no wheel for musl. What is installed without them captures with dumpcap, and
says of LZ4 how it can be read.
"""
MUSL = ("musllinux_1_2", "musllinux_1_1")
"""Whose wheels a musl of today takes."""
TOOLS = ("build", "ziglang", "auditwheel", "setuptools>=77", "cargo-zigbuild")
ROOT = Path(__file__).resolve().parents[1]
EPOCH_OF_ZIP = 315_532_800
"""1980, before which an archive has no times."""

_LISTING = """
import json
from importlib.metadata import distributions
print(json.dumps([[d.name, d.version, d.metadata.get("License-Expression") or ""] for d in distributions()]))
"""


def main() -> int:
    """Build, compare, try, list."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "dist")
    parser.add_argument("--try-nothing", action="store_true", help="do not install the wheel")
    parser.add_argument(
        "--here", action="store_true", help="only the wheel for this machine, once and without the kernel"
    )
    options = parser.parse_args()
    if options.here:
        return _here(options.folder)
    with tempfile.TemporaryDirectory(prefix="plainwire-wheels-") as made:
        scratch = Path(made)
        tools = _environment(scratch / "tools", *TOOLS)
        first, second = (_built(tools, scratch / name, _kinds(tools)) for name in ("first", "second"))
        differing = [name for name in first if first[name] != second.get(name)]
        options.folder.mkdir(parents=True, exist_ok=True)
        for name in first:
            shutil.copy(scratch / "first" / "dist" / name, options.folder / name)
            size = (options.folder / name).stat().st_size
            differs = "  DIFFERS when built again" if name in differing else ""
            print(f"{name}  {size:,} bytes  sha256 {first[name]}{differs}")
        good = not differing and all(_is_as_named(tools, scratch / "first" / "dist" / name) for name in first)
        if not options.try_nothing:
            good &= _try(scratch, options.folder, _preferred(first))
            for_musl = [options.folder / name for name in first if "musl" in name]
            good &= all(_installs_on_musl(tools, scratch, wheel) for wheel in for_musl)
            good &= _installs_from_source(scratch, next(options.folder.glob("*.tar.gz")))
    return 0 if good else 1


def _here(folder: Path) -> int:
    """Build the wheel for this machine without the kernel, and try it."""
    with tempfile.TemporaryDirectory(prefix="plainwire-wheels-") as made:
        scratch = Path(made)
        tools = _environment(scratch / "tools", *TOOLS)
        (name,) = _built(tools, scratch / "first", [Kind(platform.machine(), f"gnu.{GLIBC}")], source=False)
        wheel = scratch / "first" / "dist" / name
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(wheel, folder / name)
        return 0 if _is_as_named(tools, wheel) and _try(scratch, folder, name) else 1


def _preferred(wheels: Iterable[str]) -> str:
    """The one that pip would take here: with the kernel, where there is one."""
    here = [name for name in wheels if f"manylinux_2_17_{platform.machine()}" in name]
    return min(here, key=lambda name: "abi3" not in name)


def _environment(folder: Path, *packages: str, of: Path = Path(sys.executable)) -> Path:
    """A new venv's Python, with packages; the venv of that interpreter."""
    subprocess.run([of, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    if packages:
        subprocess.run([python, "-m", "pip", "--quiet", "install", *packages], check=True)
    return python


def _built(python: Path, scratch: Path, kinds: Iterable[Kind], *, source: bool = True) -> dict[str, str]:
    """Build, from a copy of what git has, in ``scratch/dist``: the SHA-256 of each file."""
    copy = scratch / "plainwire"
    copy.mkdir(parents=True)
    archive = subprocess.run(["git", "-C", ROOT, "archive", "HEAD"], capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", str(copy)], input=archive, check=True)
    when = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
    epoch = max(EPOCH_OF_ZIP, int(subprocess.run(when, capture_output=True, check=True).stdout))
    rust = f"--remap-path-prefix={copy}=/plainwire --remap-path-prefix={Path.home()}=/home"
    build = [str(python), "-m", "build", "--no-isolation", "--outdir", str(scratch / "dist")]
    manual = [sys.executable, str(copy / "tools" / "manual.py"), str(copy / "share")]
    subprocess.run(manual, check=True)
    project = copy / "pyproject.toml"
    whole = project.read_text(encoding="utf-8")
    for kind in kinds:
        compiler = f"{python} -m ziglang cc -target {kind.architecture}-linux-{kind.libc} -g0"
        environment = {
            **os.environ,
            "PATH": f"{python.parent}:{os.environ['PATH']}",  # cargo-zigbuild asks Python for zig
            "SOURCE_DATE_EPOCH": str(epoch),
            "PLAINWIRE_TARGET": kind.architecture,
            "PLAINWIRE_PLATFORM": PLATFORMS[kind.libc].format(kind.architecture),
            **(
                {"PLAINWIRE_CARGO": kind.cargo, "RUSTFLAGS": rust}
                if kind.cargo
                else {"PLAINWIRE_KERNEL": "off"}
            ),
            "CC": f"{compiler} -mcpu={ARCHITECTURES[kind.architecture]}",
            "LDSHARED": f"{compiler} -shared -Wl,-s",
            "CFLAGS": "",
        }
        project.write_text(without(NOT_FOR_MUSL, whole) if kind.libc == "musl" else whole, encoding="utf-8")
        subprocess.run([*build, "--wheel", copy], env=environment, check=True, stdout=subprocess.DEVNULL)
        shutil.rmtree(copy / "build")
    project.write_text(whole, encoding="utf-8")
    if source:
        subprocess.run([*build, "--sdist", copy], check=True, stdout=subprocess.DEVNULL)
    for archive_file in (scratch / "dist").glob("*.tar.gz"):
        _settle(archive_file, epoch)
    made = sorted((scratch / "dist").iterdir())
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in made}


def without(packages: Sequence[str], project: str) -> str:
    """``pyproject.toml`` without these dependencies, each a line of its own."""
    named = "|".join(map(re.escape, packages))
    left, found = re.subn(rf'^ *"(?:{named})\b[^"\n]*",\n', "", project, flags=re.MULTILINE)
    if found != len(packages):
        message = f"of {packages} pyproject.toml has {found}"
        raise ValueError(message)
    return left


class Kind(NamedTuple):
    """A wheel that there is to be: its C library as zig names it, the command for the kernel or nothing."""

    architecture: str
    libc: str
    cargo: str = ""


def _kinds(python: Path) -> Iterator[Kind]:
    libraries = ""
    if shutil.which("cargo"):
        asked = [os.environ.get("RUSTC", "rustc"), "--print", "target-libdir", "--target"]
        for architecture in ARCHITECTURES:
            done = subprocess.run(
                [*asked, f"{architecture}-unknown-linux-gnu"], capture_output=True, text=True, check=False
            )
            libraries += done.stdout if Path(done.stdout.strip() or "-").is_dir() else ""
    for architecture in ARCHITECTURES:
        yield from (Kind(architecture, libc) for libc in PLATFORMS)
        target = f"{architecture}-unknown-linux-gnu"
        if target in libraries:
            zig = python.with_name("cargo-zigbuild")
            yield Kind(architecture, f"gnu.{GLIBC}", f"{zig} zigbuild --target {target}.{GLIBC}")
        else:
            print(f"no Rust for {architecture} here: no wheel with the kernel")


def _settle(path: Path, epoch: int) -> None:
    """Write a source archive again, with one time for all that is in it and nobody's name."""
    plain = io.BytesIO()
    with tarfile.open(path) as source, tarfile.open(fileobj=plain, mode="w") as settled:
        for member in sorted(source, key=lambda each: each.name):
            member.mtime, member.uid, member.gid, member.uname, member.gname = epoch, 0, 0, "", ""
            member.pax_headers = {}
            settled.addfile(member, source.extractfile(member) if member.isfile() else None)
    path.write_bytes(gzip.compress(plain.getvalue(), mtime=0))


def _is_as_named(python: Path, wheel: Path) -> bool:
    """Whether a wheel needs no newer glibc than its name says, or nothing but musl."""
    if wheel.suffix != ".whl":
        return True
    if "musllinux" in wheel.name:  # auditwheel takes glibc's libc.so for the one that it needs
        needed = re.findall(r"\(NEEDED\).*\[(.*)\]", _of_interposer(wheel, "readelf", "--dynamic"))
        if needed != ["libc.so"]:
            print(f"{wheel.name}: the interposer needs {needed}")
        return needed == ["libc.so"] and _leaves_vectors(wheel)
    done = subprocess.run(
        [python, "-m", "auditwheel", "show", wheel], capture_output=True, text=True, check=False
    )
    good = f"manylinux_{GLIBC.replace('.', '_')}" in done.stdout or "manylinux_2_5" in done.stdout
    if not good:
        print(f"{wheel.name}: {done.stdout}{done.stderr}")
    return good and _leaves_vectors(wheel)


def _of_interposer(wheel: Path, *command: str) -> str:
    """What a tool says of the interposer in a wheel."""
    with tempfile.TemporaryDirectory() as made, zipfile.ZipFile(wheel) as opened:
        library = opened.extract("plainwire/acquire/libplainwire.so", made)
        return subprocess.run([*command, library], capture_output=True, text=True, check=True).stdout


def _leaves_vectors(wheel: Path) -> bool:
    """Whether the interposer uses no vector register, and has its branches marked."""
    name, mark, vector = MARKS["x86_64" if "x86_64" in wheel.name else "aarch64"]
    if shutil.which(name) is None:
        print(f"{wheel.name}: not looked at for vector registers, as there is no {name}")
        return True
    listing = _of_interposer(wheel, name, "-d", "--no-show-raw-insn")
    good = mark in listing and re.search(vector, listing) is None
    if not good:
        print(f"{wheel.name}: the interposer uses vector registers, or its branches are unmarked")
    return good


def _try(scratch: Path, folder: Path, wheel: str) -> bool:
    """Install the wheel where nothing else is, and let it say its version and play the demonstration."""
    pythons = [
        _environment(scratch / f"clean-{number}", str(folder / wheel), of=of)
        for number, of in enumerate(_pythons())
    ]
    listed = subprocess.run([pythons[0], "-c", _LISTING], capture_output=True, check=True).stdout
    crates = _crates() if "abi3" in wheel else []
    (folder / "sbom.json").write_text(json.dumps(sbom(json.loads(listed), crates), indent=1) + "\n")
    good = True
    for python in pythons:
        command = python.with_name("plainwire")
        said = subprocess.run(
            [python, "--version"], capture_output=True, text=True, check=True
        ).stdout.strip()
        for arguments in (["--version"], ["inspect", sys.executable], ["demo"]):
            done = subprocess.run(
                [command, *arguments], capture_output=True, text=True, check=False, cwd=scratch
            )
            fine = done.returncode == 0 and "Traceback" not in done.stderr
            print(f"{said}: plainwire {' '.join(arguments)}: {'fine' if fine else done.stdout + done.stderr}")
            good &= fine
        manual = python.parents[1] / "share" / "man" / "man1" / "plainwire.1"
        good &= manual.exists()
    return good


def _pythons() -> list[Path]:
    """Of each version one that can make venvs: ours, those of ``PLAINWIRE_PYTHONS``, those on the path."""
    named = [name for name in os.environ.get("PLAINWIRE_PYTHONS", "").split(":") if name]
    found = [shutil.which(f"python3.{minor}", path=f"/usr/bin:{os.defpath}") for minor in range(11, 20)]
    found += [shutil.which(f"python3.{minor}") for minor in range(11, 20)]
    asked = ["-c", "import ensurepip, sys; print(sys.version_info[:3])"]
    pythons: dict[str, Path] = {}
    for name in [sys.executable, *named, *filter(None, found)]:
        done = subprocess.run([name, *asked], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            pythons.setdefault(done.stdout, Path(name))
    return list(pythons.values())


def _installs_on_musl(python: Path, scratch: Path, wheel: Path) -> bool:
    """Whether pip finds wheels of all that it needs, where there is no compiler. Nothing is installed."""
    architecture = "x86_64" if "x86_64" in wheel.name else "aarch64"
    command = [str(python), "-m", "pip", "--quiet", "install", "--dry-run", "--only-binary=:all:"]
    command += [f"--platform={system}_{architecture}" for system in MUSL]
    command += ["--python-version=3.12", f"--target={scratch / 'nowhere'}", str(wheel)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    print(f"pip install {wheel.name}: {'fine' if done.returncode == 0 else done.stdout + done.stderr}")
    return done.returncode == 0


def _installs_from_source(scratch: Path, archive: Path) -> bool:
    """Whether pip installs the source archive where there is no Rust."""
    python = _environment(scratch / "source")
    environment = {**os.environ, "PATH": "/usr/local/bin:/usr/bin:/bin", "CARGO_HOME": str(scratch / "none")}
    environment.pop("PLAINWIRE_CARGO", None)
    command = [str(python), "-m", "pip", "--quiet", "install", str(archive)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    said = done.stdout + done.stderr
    if done.returncode == 0:
        command = [str(python.with_name("plainwire")), "--version"]
        said = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    good = "kernel: none" in said and "from inside programs: yes" in said
    print(f"{archive.name}, installed without Rust: {'fine' if good else said}")
    return good


def _crates() -> list[tuple[str, str, str]]:
    """Name, version and licence of each crate that is linked into the kernel, but for the kernel itself."""
    asked = [
        "cargo",
        "tree",
        "--locked",
        "--edges",
        "normal,no-proc-macro",
        "--prefix",
        "none",
        "--no-dedupe",
    ]
    asked += ["--format", "{p}|{l}"]
    done = subprocess.run(
        asked, cwd=ROOT / "native" / "kernel", capture_output=True, text=True, check=True
    ).stdout
    rows = (line.partition("|")[::2] for line in set(done.splitlines()[1:]))
    return sorted((words.split()[0], words.split()[1].lstrip("v"), licence) for words, licence in rows)


def sbom(packages: list[tuple[str, str, str]], crates: list[tuple[str, str, str]]) -> dict[str, object]:
    """CycloneDX 1.5 of packages (name, version, licence as SPDX or empty), and of crates that are linked into
    plainwire's kernel; it is about plainwire itself.
    """
    components = [
        _component(*package) for package in sorted(packages) if package[0] not in {"pip", "setuptools"}
    ]
    components += [_component(*crate, of="cargo") for crate in crates]
    own = next(c for c in components if c["name"] == "plainwire")
    others = [c for c in components if c is not own]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {**own, "type": "application"}},
        "components": others,
        "dependencies": [{"ref": own["bom-ref"], "dependsOn": [c["bom-ref"] for c in others]}],
    }


def _component(name: str, version: str, licence: str, of: str = "pypi") -> dict[str, object]:
    address = f"pkg:{of}/{name.lower().replace('_', '-') if of == 'pypi' else name}@{version}"
    said = {"licenses": [{"expression": licence}]} if licence else {}
    return {"type": "library", "bom-ref": address, "name": name, "version": version, "purl": address, **said}


if __name__ == "__main__":
    sys.exit(main())
