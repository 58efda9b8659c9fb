"""The programs of docs/runtimes.md: how each is had, started, and told what to do while it runs.

What plainwire's own environment does not have is fetched and built once, in build/runtimes.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.acquire.tls_server import TlsServer

ROOT = Path(__file__).resolve().parents[1]
OWN = Path(__file__).with_name("runtime_clients")
CLIENTS = ROOT / "tests" / "acquire" / "clients"
BUILT = ROOT / "build" / "runtimes"
_PYTHON = BUILT / "venv" / "bin" / "python"
_JVM = Path("/usr/lib/jvm")
_OLD_GO = Path("/usr/lib/go-1.19/bin/go")
_PATH = f"{os.environ['PATH']}:/usr/sbin"
Command = list[str]


class Asked(Struct, frozen=True):
    """What a program is to do: ask ``server``; with ``told``, what it is told on its standard input."""

    server: TlsServer
    folder: Path
    told: bool

    @property
    def port(self) -> str:
        """The server's port."""
        return str(self.server.port)

    @property
    def certificate(self) -> str:
        """What is to be trusted."""
        return str(self.server.certificate)

    @property
    def words(self) -> list[str]:
        """The last word of a program that can be told."""
        return ["told"] if self.told else []


class Client(Struct, frozen=True):
    """One program. ``command`` gives None where it is not on this machine."""

    name: str
    tls: str
    command: Callable[[Asked], Command | None]
    once: str = ""
    """Why it cannot be told what to do while it runs."""
    server: str = "TLS"
    versions: tuple[str, ...] = ("TLS 1.2", "TLS 1.3")
    children: bool = False
    kept_by: str = "new"
    """The word by which it has a connection that stays."""


def prepare() -> None:
    """Fetch and build what is not there yet; what fails is not on this machine."""
    BUILT.mkdir(parents=True, exist_ok=True)
    if not _PYTHON.exists():
        subprocess.run([sys.executable, "-m", "venv", BUILT / "venv"], check=True)
    wanted = OWN / "requirements.txt"
    _once("venv.done", [_PYTHON, "-m", "pip", "install", "-q", "-r", wanted])
    for name, python in (("psycopg2-binary==2.7.7", "3.7"), ("psycopg2-binary==2.9.5", "3.11")):
        fetched = ["download", "-q", "--no-deps", "--only-binary=:all:", "--python-version", python]
        _once(f"{name}.done", [_PYTHON, "-m", "pip", *fetched, "-d", BUILT / "old", name])
    for wheel in (BUILT / "old").glob("*.whl"):
        shutil.unpack_archive(wheel, BUILT / "old" / wheel.name.split("-cp")[0], "zip")
    shutil.copy(OWN / "package.json", BUILT)
    _once("node.done", ["npm", "install", "--no-audit", "--no-fund", "--prefix", BUILT])
    jars = ["mvn", "-q", "-B", "-f", OWN / "pom.xml", "dependency:copy-dependencies"]
    _once("jars.done", [*jars, f"-DoutputDirectory={BUILT / 'jars'}"])
    compiled = ["javac", "-cp", f"{BUILT / 'jars'}/*", "-d", BUILT / "classes"]
    _once(
        "classes.done",
        [*compiled, OWN / "InLibraries.java", CLIENTS / "InJava.java", CLIENTS / "Driven.java"],
    )
    for feature in ("rustls", "native"):
        built = ["cargo", "build", "-q", "--release", "--features", feature, "--target-dir"]
        _once(f"{feature}.done", [*built, BUILT / "target" / feature], OWN / "in_rust")
    for name, go, options in _GO:
        for source in ("in_go", "driven_in_go"):
            command = [go, "build", *options, "-o", BUILT / f"{name}-{source}", "."]
            _once(f"{name}-{source}.done", command, CLIENTS / source)
    _small_tls()
    _once("quic-go.done", ["go", "build", "-o", BUILT / "quic-go", "."], OWN / "in_quic_go")


def _small_tls() -> None:
    """One client for each of the small libraries; mbedTLS 3 is not to be had but as its source."""
    compiled = ["cc", "-O1", "-pthread", CLIENTS / "small_tls.c"]
    for name, libraries in _SMALL.items():
        words = [f"-DWITH_{name.upper()}", "-o", BUILT / name, *(f"-l{each}" for each in libraries)]
        _once(f"{name}.done", [*compiled, *words])
    _once("mbedtls3-source.done", ["cargo", "vendor", "-q", BUILT / "vendor"], OWN / "in_mbedtls_3")
    source = BUILT / "vendor" / "psa-crypto-sys" / "vendor"
    more = f'-DMBEDTLS_USER_CONFIG_FILE="{OWN / "in_mbedtls_3" / "with_tls_1_3.h"}"'
    library = ["cc", "-O1", "-shared", "-fPIC", f"-I{source / 'include'}", f"-I{source / 'library'}", more]
    _once("mbedtls3-library.done", [*library, *source.glob("library/*.c"), "-o", BUILT / "libmbedtls.so.20"])
    linked = ["-o", BUILT / "mbedtls3", BUILT / "libmbedtls.so.20", f"-I{source / 'include'}", more]
    _once("mbedtls3.done", [*compiled, "-DWITH_MBEDTLS", *linked])


_SMALL = {
    "mbedtls": ["mbedtls", "mbedx509", "mbedcrypto"],
    "wolfssl": ["wolfssl"],
    "bearssl": ["bearssl"],
    "libtls": ["tls"],
}
_GO: list[tuple[str, str, list[str]]] = [
    ("stripped", "go", ["-ldflags", "-s -w"]),
    ("pie", "go", ["-buildmode=pie"]),
    ("1.19", str(_OLD_GO), []),
    ("1.27", "go1.27.0", []),
]


def _once(name: str, command: Sequence[object], where: Path = BUILT) -> None:
    done = BUILT / name
    if done.exists():
        return
    words = [str(word) for word in command]
    environment = (
        {**os.environ, "CGO_ENABLED": "0"} if "build" in words and "-o" in words else dict(os.environ)
    )
    if words[0].startswith("go1."):
        words[0], environment["GOTOOLCHAIN"] = "go", words[0]
    try:
        ended = subprocess.run(words, cwd=where, env=environment, check=False).returncode == 0
    except OSError as error:
        print(f"{name}: {error.strerror}", file=sys.stderr)
        return
    if ended:
        done.touch()


def _python(library: str) -> Callable[[Asked], Command | None]:
    def command(asked: Asked) -> Command | None:
        if not _PYTHON.exists():
            return None
        return [str(_PYTHON), str(OWN / "ask.py"), library, asked.port, asked.certificate, *asked.words]

    return command


def _libssl(*patterns: str) -> Callable[[Asked], Command | None]:
    def command(asked: Asked) -> Command | None:
        found = [pattern for pattern in patterns if pattern == "python"]
        for pattern in patterns:
            found += [str(path) for path in sorted(BUILT.glob(pattern))[:1]]
        if len(found) < len(patterns):
            return None
        return [
            str(_PYTHON),
            str(OWN / "ask.py"),
            "libssl",
            asked.port,
            asked.certificate,
            *asked.words,
            *found,
        ]

    return command


def _tool(name: str, *words: str, told: Sequence[str] = ()) -> Callable[[Asked], Command | None]:
    """Of ``words``, or ``told`` where it is told, URL, PORT, CERTIFICATE, CLIENTS and OWN are put in."""

    def command(asked: Asked) -> Command | None:
        path = name if os.access(name, os.X_OK) else shutil.which(name, path=_PATH)
        values = {
            "URL": asked.server.url,
            "PORT": asked.port,
            "CERTIFICATE": asked.certificate,
            "CLIENTS": str(CLIENTS),
            "OWN": str(OWN),
            "BUILT": str(BUILT),
            "FOLDER": str(asked.folder),
        }
        filled = []
        for word in told if asked.told else words:
            for key, value in values.items():
                word = word.replace(key, value)  # noqa: PLW2901 - one after the other
            filled.append(word)
        return [path, *filled] if path else None

    return command


def _java(machine: str, name: str, *arguments: str) -> Callable[[Asked], Command | None]:
    def command(asked: Asked) -> Command | None:
        java = next((str(path) for path in sorted(_JVM.glob(f"{machine}/bin/java"))), None)
        if java is None or not (BUILT / "classes.done").exists():
            return None
        start = [java, "-cp", f"{BUILT / 'classes'}:{BUILT / 'jars'}/*"]
        if name != "InJava":
            return [*start, name, *arguments, asked.port, *asked.words]
        return [*start, "Driven", asked.port] if asked.told else [*start, name, asked.port, asked.certificate]

    return command


def _go(name: str) -> Callable[[Asked], Command | None]:
    def command(asked: Asked) -> Command | None:
        made = BUILT / f"{name}-{'driven_in_go' if asked.told else 'in_go'}"
        if not made.exists():
            return None
        return [str(made), asked.port] if asked.told else [str(made), asked.port, "20", "4"]

    return command


def _built(path: str) -> Callable[[Asked], Command | None]:
    def command(asked: Asked) -> Command | None:
        made = BUILT / path
        return [str(made), asked.port, *asked.words] if made.exists() else None

    return command


def _proxy(kind: str) -> Callable[[Asked], Command | None]:
    def command(asked: Asked) -> Command | None:
        if shutil.which(kind, path=_PATH) is None:
            return None
        return [sys.executable, str(OWN / "as_proxy.py"), kind, asked.port, str(asked.folder), *asked.words]

    return command


def _chromium(asked: Asked) -> Command | None:
    """As another user: as root Chromium does not enter its sandbox."""
    chromium, setpriv = shutil.which("chromium"), shutil.which("setpriv")
    if chromium is None or setpriv is None:
        return None
    home = asked.folder / "home"
    home.mkdir(exist_ok=True)
    asked.folder.chmod(0o711)
    os.chown(home, _USER, _USER)
    user = [
        setpriv,
        f"--reuid={_USER}",
        f"--regid={_USER}",
        "--clear-groups",
        "env",
        f"HOME={home}",
        chromium,
    ]
    profile = f"--user-data-dir={home / 'profile'}"
    if asked.told:
        script = asked.folder / "chromium"
        script.write_text(f'#!/bin/sh\nexec {shlex.join(user)} "$@" {shlex.quote(profile)}\n')
        script.chmod(0o755)
        return [sys.executable, str(OWN / "in_chromium.py"), str(script), asked.port]
    quiet = ["--headless", "--disable-gpu", "--ignore-certificate-errors", "--no-first-run", "--dump-dom"]
    return [*user, *quiet, profile, asked.server.url]


REQUEST = r"printf 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'"
KEPT = "one process for each request"
_USER = 1000
DENO = "node_modules/@deno/linux-x64-glibc/deno"
BUN = "node_modules/bun/bin/bun.exe"

ALL = [
    Client("CPython, http.client, raw SSLContext, not verifying", "OpenSSL", _python("http_client")),
    Client("CPython, urllib, verifying", "OpenSSL", _python("of_urllib")),
    Client("CPython, memory BIO", "OpenSSL", _python("memory_bio")),
    Client("requests, verifying", "OpenSSL", _python("requests")),
    Client("requests, not verifying", "OpenSSL", _python("requests_unverified")),
    Client("niquests", "OpenSSL", _python("niquests")),
    Client("httpx, not verifying", "OpenSSL", _python("httpx")),
    Client("aiohttp, not verifying", "OpenSSL", _python("aiohttp")),
    Client("gevent", "OpenSSL", _python("gevent")),
    Client("boto3", "OpenSSL", _python("boto3")),
    Client("python-swiftclient", "OpenSSL", _python("swiftclient")),
    Client("pycurl (wheel)", "OpenSSL inside", _python("pycurl")),
    Client("pyOpenSSL", "OpenSSL inside `cryptography`", _python("pyopenssl")),
    Client("libssl 1.1.1 (psycopg2-binary 2.9.5)", "OpenSSL 1.1.1", _libssl("old/*2.9.5/*.libs/libssl*")),
    Client(
        "libssl 1.0.2 (psycopg2-binary 2.7.7)",
        "OpenSSL 1.0.2",
        _libssl("old/*2.7.7/*/.libs/libssl*"),
        versions=("TLS 1.2",),
    ),
    Client(
        "four libssl in one process",
        "OpenSSL 1.1.1 and 3",
        _libssl(
            "python",
            "old/*2.9.5/*.libs/libssl*",
            "venv/lib/python3*/site-packages/pycurl.libs/libssl*",
            "venv/lib/python3*/site-packages/psycopg_binary.libs/libssl*",
        ),
    ),
    Client("grpcio", "BoringSSL inside", _python("grpc"), server="gRPC"),
    Client("curl_cffi", "BoringSSL inside", _python("curl_cffi")),
    Client("rnet", "BoringSSL inside", _python("rnet")),
    Client("httpr", "rustls inside", _python("httpr")),
    Client("primp", "rustls inside", _python("primp")),
    Client("awscrt", "s2n inside", _python("awscrt")),
    Client("python-mbedtls", "mbedTLS 2.28", _python("mbedtls"), versions=("TLS 1.2",)),
    Client("C client of mbedTLS 2.28", "mbedTLS", _built("mbedtls"), versions=("TLS 1.2",)),
    Client(
        "C client of mbedTLS 3.5",
        "mbedTLS",
        _tool(str(BUILT / "mbedtls3"), "PORT", "CERTIFICATE", told=["PORT", "CERTIFICATE", "told"]),
    ),
    Client("C client of wolfSSL 5.5", "wolfSSL", _built("wolfssl")),
    Client("C client of BearSSL 0.6", "BearSSL", _built("bearssl"), versions=("TLS 1.2",)),
    Client("C client of libtls 3.7", "OpenSSL", _built("libtls")),
    Client(
        "uv",
        "rustls inside",
        _tool(
            str(BUILT / "venv/bin/uv"),
            *("pip", "install", "--no-cache", "--dry-run", "--python", "BUILT/venv/bin/python"),
            *("--allow-insecure-host", "localhost", "--index-url", "URL", "nothing"),
        ),
        once=KEPT,
    ),
    Client("curl", "OpenSSL", _tool("curl", "-sS", "--cacert", "CERTIFICATE", "URL"), once=KEPT),
    Client("wget", "GnuTLS", _tool("wget", "-qO-", "--ca-certificate=CERTIFICATE", "URL"), once=KEPT),
    Client(
        "git",
        "GnuTLS",
        _tool("git", "-c", "http.sslVerify=false", "ls-remote", "URLnothing.git"),
        once=KEPT,
    ),
    Client(
        "ruby",
        "OpenSSL",
        _tool("ruby", "CLIENTS/in_ruby.rb", "PORT", "CERTIFICATE", told=["CLIENTS/driven.rb", "PORT"]),
    ),
    Client(
        "perl", "OpenSSL", _tool("perl", "OWN/in_perl.pl", "PORT", told=["OWN/in_perl.pl", "PORT", "told"])
    ),
    Client("php", "OpenSSL", _tool("php", "CLIENTS/in_php.php", "PORT", "CERTIFICATE"), once=KEPT),
    Client("nginx as a client", "OpenSSL", _proxy("nginx"), children=True, kept_by="again"),
    Client("haproxy as a client", "OpenSSL", _proxy("haproxy"), children=True, kept_by="again"),
    Client(
        "openssl s_client",
        "OpenSSL",
        _tool("sh", "-c", f"{REQUEST} | openssl s_client -quiet -connect localhost:PORT"),
        once=KEPT,
    ),
    Client(
        "gnutls-cli",
        "GnuTLS",
        _tool("sh", "-c", f"{REQUEST} | gnutls-cli --no-ca-verification -p PORT localhost"),
        once=KEPT,
    ),
    Client(
        "libcurl with Debian's NSS",
        "NSS",
        _tool(sys.executable, "CLIENTS/with_nss.py", "PORT", told=["CLIENTS/with_nss.py", "PORT", "told"]),
    ),
    Client(
        "Firefox without a window",
        "NSS",
        _tool(sys.executable, "OWN/in_firefox.py", "PORT", "CERTIFICATE", "FOLDER"),
        once=KEPT,
    ),
    Client(
        "Erlang, httpc",
        "its own",
        _tool(
            "escript",
            *("CLIENTS/in_erlang.escript", "PORT"),
            told=["CLIENTS/in_erlang.escript", "PORT", "told"],
        ),
    ),
    Client(
        "Node.js, https and fetch",
        "OpenSSL inside",
        _tool("node", "CLIENTS/in_node.js", "PORT", "CERTIFICATE", told=["CLIENTS/driven.js", "PORT"]),
    ),
    Client(
        "Node.js, undici",
        "OpenSSL inside",
        _tool(
            "node", "OWN/in_undici.js", "BUILT", "PORT", told=["OWN/in_undici.js", "BUILT", "PORT", "told"]
        ),
    ),
    Client(
        "Bun, fetch",
        "BoringSSL inside",
        _tool(
            str(BUILT / BUN),
            *("-e", "await fetch('URL', {tls: {rejectUnauthorized: false}})"),
            told=["CLIENTS/driven.js", "PORT"],
        ),
    ),
    Client(
        "Deno, fetch",
        "rustls inside",
        _tool(
            str(BUILT / DENO),
            *("run", "-q", "-A", "--unsafely-ignore-certificate-errors", "OWN/in_deno.js", "PORT"),
            told=[
                "run",
                "-q",
                "-A",
                "--unsafely-ignore-certificate-errors",
                "OWN/in_deno.js",
                "PORT",
                "told",
            ],
        ),
    ),
    Client(
        "Chromium without a window, in its sandbox",
        "BoringSSL inside",
        _chromium,
        children=True,
    ),
    Client("reqwest with rustls", "rustls inside", _built("target/rustls/release/client")),
    Client("reqwest with native-tls", "OpenSSL", _built("target/native/release/client")),
    Client("Go 1.19", "crypto/tls", _go("1.19")),
    Client("Go 1.27", "crypto/tls", _go("1.27")),
    Client("Go, static and stripped", "crypto/tls", _go("stripped")),
    Client("Go, position-independent", "crypto/tls", _go("pie")),
    Client("Java 17, HttpsURLConnection and HttpClient", "JSSE", _java("*-17-*", "InJava")),
    Client("Java 25, HttpsURLConnection and HttpClient", "JSSE", _java("*-25-*", "InJava")),
    Client("Java 17, OkHttp", "JSSE", _java("*-17-*", "InLibraries", "okhttp")),
    Client("Java 17, Apache HttpClient", "JSSE", _java("*-17-*", "InLibraries", "apache")),
    Client("Java 17, Netty with tcnative", "BoringSSL inside", _java("*-17-*", "InLibraries", "netty")),
    Client("aioquic", "its own", _python("aioquic"), server="QUIC", versions=("TLS 1.3",)),
    Client("quic-go", "crypto/tls", _built("quic-go"), server="QUIC", versions=("TLS 1.3",)),
]

REMARKS = """\
- libssl 1.0.2: in a program that runs already tls1_change_cipher_state is patched, which has the session that
  the master secret is in.
- awscrt: in a program that runs already s2n_key_log_tls13_secret and s2n_key_log_tls12_secret are patched,
  which s2n calls without a callback too. They are not exported: a file without a table of symbols (strip(1))
  has them under no name, and new connections are then had by memory only.
- primp: rustls that runs already does not tell its secrets; its memory is searched. With TLS 1.2 nothing was
  had on a machine with a load of 15 (once one of three, on another day).
- mbedTLS, wolfSSL, BearSSL: in shared libraries only. Where one is linked into something the report and
  `plainwire inspect` say so, and so they do of mbedTLS before 2.19, whose callback is not told the client
  random. A program that looks mbedTLS up at run time (dlsym(3), as ctypes does) is not had, nor its TLS 1.3
  by wolfSSL. wolfSSL's TLS 1.3 takes a library that has wolfSSL_get_client_random, as Debian's; 5.9.4,
  built from its source, gave one line of one and four of four as well. The `wolfssl` package of PyPI was not
  tried: it has no wheel. In a program that runs already nothing of theirs is patched, and its memory is
  searched: for TLS 1.3, and for TLS 1.2 with AES-GCM, which all of them chose.
- libtls: OpenSSL's beneath. Debian 12 has no LibreSSL, picotls or MatrixSSL.
- NSS: Firefox's own honours SSLKEYLOGFILE. Debian's is built without (NSS_ALLOW_SSLKEYLOGFILE), but calls its
  function for key logs all the same, which does nothing: that is patched, and asks NSS for the bytes of a key
  as NSS itself would (PK11_ExtractKeyValue, PK11_GetKeyData).
- Erlang: its TLS is written in Erlang, and has OpenSSL reckon for it. What goes through two functions of that
  (EVP_Digest, EVP_Q_mac) has the secrets in it; the library of Erlang's crypto gets ours in their place. With
  an OpenSSL before 3, or one that is linked into it, that is not done. In a program that runs already its
  memory is searched, where keys of TLS 1.2 do not lie expanded.
- Chromium: what speaks TLS in it is in a sandbox, where no socket is traced. Why one of its requests was not
  had by attaching is not known.
- aioquic: its TLS is written in Python, and there is no library that could be patched.
- quic-go: QUIC that was open before is not looked for in memory. Without a right to capture QUIC is not seen:
  calls on TCP sockets are traced.
- Java: a virtual machine that runs already is not told to load an agent, which could not be unloaded again,
  and of which newer ones warn; its memory is searched, which takes some 16 s, so that connections are had
  that stay open as long; on a machine with a load of 17, where that takes longer, OkHttp and Apache
  HttpClient had nothing for some of their connections, with a load of 4 all. Of Netty's, whose keys lie
  behind all objects of the machine, nothing was had of TLS 1.2 once with a load of 10, and all the next time.
- friTap: four lines of four where OpenSSL or GnuTLS is what the program itself is linked with; nothing where
  it comes later or stands inside of a program or library. `sh -c` was not followed (openssl, gnutls-cli).
"""

PAGE_NOTES = """\
Not reached: mbedTLS and wolfSSL that are linked into something, other static programs that are not in Go,
what Go programs before 1.19 start; on aarch64 NSS that does not honour SSLKEYLOGFILE. On aarch64 the same is
patched, but for the words and sockets of Go programs, and for s2n, NSS and libssl 1.0.2 in programs that run
already; that was seen on an emulated machine only (`bench/aarch64.py`). On other machines nothing is. In
programs that run already `plainwire attach` reaches OpenSSL (1.0.2 too), BoringSSL, s2n, Debian's NSS and Go,
and by their memory connections of any TLS that are open for some seconds: TLS 1.3, and TLS 1.2 with AES-GCM,
whose keys lie there expanded. TLS 1.2 with other ciphers that was open before stays unread.
"""
