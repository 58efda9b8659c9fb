"""A bundle as a file: what is in it, how it is made, and how it is opened by whoever gets it.

A zip file of a few plain files; ``manifest.json`` names them with their SHA-256 and says what verdict is to
come out of the packets. A bundle that comes from somebody else is not trusted: names, numbers and sizes are
bounded before anything of it is read.
"""

from __future__ import annotations

import hashlib
import io
import stat
import tempfile
import zipfile
import zlib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct, field

from plainwire import pipeline
from plainwire.capture import reader
from plainwire.capture.pcapng import file_of
from plainwire.model import UserError
from plainwire.report import html
from plainwire.report import json as report_json
from plainwire.share import choosing, letter, packet_table
from plainwire.share.extract import lines_of
from plainwire.share.hiding import Hider
from plainwire.share.marks import Marker
from plainwire.share.subtraction import Chosen, Subtracted, originals, subtract
from plainwire.share.veiling import secrets_of_quic, veil

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from plainwire.folder import FileSource
    from plainwire.model import Connection, Report
    from plainwire.tls.keylog import KeyLog

MANIFEST, CAPTURE, PLAIN, ORIGINAL = "manifest.json", "capture.pcapng", "plain.pcapng", "original.pcapng"
LETTER, TABLE, READ_ME = "letter.md", "packets.txt", "README.txt"
REPORT_JSON, REPORT_HTML = "report.json", "report.html"
_MOST_FILES, _MOST_BYTES = 32, 2 << 30
_SCHEMA = 1
_DAY_ONE = (1980, 1, 1, 0, 0, 0)
"""The oldest time that a zip file can have: when it was made is nobody's business."""
_READ_ME = """\
Evidence of failed requests, made with plainwire. Begin with letter.md.

letter.md       what failed, who and why, how sure, where to look in your logs
capture.pcapng  the packets; Wireshark shows plain HTTP with no settings (QUIC stays encrypted)
plain.pcapng    the same packets without TLS
packets.txt     the same as a table
report.html     the verdict as a page; report.json for machines
manifest.json   the SHA-256 of each file, and the verdict

Secrets in the packets are replaced by marks of the same length. To check hashes and verdict:

    plainwire verify BUNDLE
"""


class Expected(Struct):
    """A verdict: code, how sure, on how many exchanges."""

    code: str
    certainty: str
    exchanges: int


class Manifest(Struct):
    """``manifest.json``. ``verdict``: what comes out of these packets; ``encrypted``: what only comes out of
    them with the secrets of QUIC connections, which are not in the bundle; ``lost``: what of the whole
    capture's verdict does not come out of them at all.
    """

    schema: int
    made_with: str
    files: dict[str, str]
    verdict: list[Expected]
    encrypted: list[Expected] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    with_secrets: bool = False


class Sharing(Struct):
    """What a bundle is to be made of, and how.

    ``report``: what was found in the whole; ``known``: its secrets; ``names``: fields whose values are to be
    hidden too; ``connections``: ids, where the user chose. ``key``: random bytes that nobody keeps.
    """

    captures: Sequence[FileSource]
    keys: KeyLog
    report: Report
    known: list[str]
    names: list[str]
    connections: list[int]
    version: str
    key: bytes
    at_client: bool = False
    """Whether it is known to be captured on the client's machine."""
    key_log: list[bytes] = field(default_factory=list)
    """The lines of the original's key log, where secrets are to be in the bundle."""


class Bundle(Struct):
    """A finished bundle: its files by name, and what its manifest says."""

    files: dict[str, bytes]
    manifest: Manifest


def make(sharing: Sharing) -> Bundle:
    """Choose, subtract, and analyse what is left, until the verdict is that of the whole.

    Raises:
        UserError: there is nothing to share, or it is too much.

    """
    wanted = choosing.verdicts(choosing.failing(sharing.report))
    made: tuple[Chosen, Subtracted, Report] | None = None
    for connections in choosing.choices(sharing.report, sharing.connections):
        chosen = _chosen(sharing, connections)
        subtracted = subtract(chosen, sharing.key)
        own = secrets_of_quic(sharing.keys, chosen.connections)
        made = chosen, subtracted, analyzed(subtracted.capture, own)
        if choosing.verdicts(choosing.failing(made[2])) == wanted:
            break
    if made is None or not made[0].connections:
        message = "nothing failed here, so that there is nothing to show; name connections (--connection N)"
        raise UserError(message)
    return _filled(sharing, *made)


def _chosen(sharing: Sharing, connections: list[Connection]) -> Chosen:
    packets = [] if sharing.connections else choosing.lookups(sharing.report)
    whole = sharing.captures, sharing.keys, connections, packets, sharing.known, sharing.names
    return Chosen(*whole, quic=True)


def analyzed(capture: bytes, keys: KeyLog | None = None) -> Report:
    """What is found in the packets of a bundle: alone, or with secrets that are not in it."""
    with tempfile.TemporaryDirectory(prefix="plainwire-") as folder:
        path = Path(folder) / CAPTURE
        path.write_bytes(capture)
        analysis = pipeline.Analysis(keys)
        with pipeline.uncollected():
            for item in reader.read([path]):
                analysis.feed(item)
            return analysis.close()


def _filled(sharing: Sharing, chosen: Chosen, subtracted: Subtracted, report: Report) -> Bundle:
    ids = {connection.first_packet: connection.id for connection in sharing.report.connections}
    left_out = tuple(
        f"connection {ids.get(first, first)} of the case: {why}"
        for first, why in sorted(subtracted.left_out.items())
    )
    secrets = bool(sharing.key_log)
    shown, quic = choosing.verdicts(report.findings), _quic(report)
    if quic:
        veil(report, Hider(Marker(sharing.key), sharing.known, sharing.names))
    alone = choosing.verdicts(analyzed(subtracted.capture).findings) if quic else shown
    encrypted = sorted((Counter(shown) - Counter(alone)).elements())
    codes = tuple(dict.fromkeys(code for code, _, _ in encrypted))
    whole = letter.Whole(sharing.report, sharing.at_client, secrets, left_out, quic, codes)
    files = {
        READ_ME: _READ_ME.encode(),
        LETTER: letter.write(report, whole).encode(),
        TABLE: packet_table.text(report).encode(),
        REPORT_HTML: html.render(report).encode(),
        REPORT_JSON: report_json.encode(report),
        CAPTURE: subtracted.capture,
        PLAIN: subtracted.plain,
    }
    if secrets:
        lines = b"\n".join(lines_of(sharing.key_log, chosen.connections))
        packets = [packet for _, packet in originals(chosen)]
        files[ORIGINAL] = b"".join(file_of(packets, lines, sharing.report.coverage.packets_dropped))
    manifest = _manifest(sharing, files, shown, list(left_out), with_secrets=secrets)
    manifest.verdict = [Expected(*each) for each in alone]
    manifest.encrypted = [Expected(*each) for each in encrypted]
    return Bundle(files, manifest)


def _quic(report: Report) -> tuple[int, ...]:
    return tuple(connection.id for connection in report.connections if connection.transport == "quic")


def _manifest(
    sharing: Sharing,
    files: dict[str, bytes],
    found: choosing.Verdicts,
    left_out: list[str],
    *,
    with_secrets: bool,
) -> Manifest:
    wanted = {finding.code for finding in choosing.failing(sharing.report)}
    return Manifest(
        schema=_SCHEMA,
        made_with=f"plainwire {sharing.version}",
        files={name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
        verdict=[Expected(*each) for each in found],
        lost=sorted(wanted - {code for code, _, _ in found}),
        left_out=left_out,
        with_secrets=with_secrets,
    )


def packed(bundle: Bundle) -> bytes:
    """The bundle as a zip file; the same bundle gives the same bytes."""
    manifest = msgspec.json.format(msgspec.json.encode(bundle.manifest), indent=2)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in {**bundle.files, MANIFEST: manifest}.items():
            entry = zipfile.ZipInfo(name, _DAY_ONE)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, (stat.S_IFREG | 0o600) << 16
            file.writestr(entry, data)
    return out.getvalue()


def opened(path: Path) -> Bundle:
    """Read a bundle: a zip file, or the folder that one was unpacked into.

    Raises:
        UserError: it cannot be read, or is no bundle.

    """
    try:
        files = _from_folder(path) if path.is_dir() else _from_zip(path)
    # NotImplementedError: a compression that zipfile does not know; RuntimeError: an encrypted entry.
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        message = f"{path}: {getattr(error, 'strerror', None) or 'no bundle: ' + str(error)}"
        raise UserError(message) from error
    data = files.pop(MANIFEST, None)
    if data is None or CAPTURE not in files:
        message = f"{path}: no bundle, there is no {MANIFEST if data is None else CAPTURE} in it"
        raise UserError(message)
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except msgspec.DecodeError as error:
        message = f"{path}: {MANIFEST}: {error}"
        raise UserError(message) from error
    if manifest.schema > _SCHEMA:
        message = f"{path}: a bundle of a later plainwire ({manifest.made_with[:40]})"
        raise UserError(message)
    return Bundle(files, manifest)


def _from_folder(path: Path) -> dict[str, bytes]:
    found = [each for each in sorted(path.iterdir()) if each.is_file() and not each.is_symlink()]
    _bounded(path, [each.stat().st_size for each in found])
    return {each.name: each.read_bytes() for each in found}


def _from_zip(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as file:
        entries = file.infolist()
        _bounded(path, [entry.file_size for entry in entries])
        files = {}
        for entry in entries:
            with file.open(entry) as source:
                files[entry.filename] = source.read(entry.file_size + 1)
        return files


def _bounded(path: Path, sizes: Iterable[int]) -> None:
    sizes = list(sizes)
    if len(sizes) > _MOST_FILES or sum(sizes) > _MOST_BYTES:
        message = f"{path}: no bundle: it has too many files, or too large ones"
        raise UserError(message)
