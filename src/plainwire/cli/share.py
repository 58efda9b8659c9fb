"""``plainwire share``: a bundle for whoever is to see the evidence, without the user's secrets."""

from __future__ import annotations

import hashlib
import secrets as chance
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plainwire import folder
from plainwire.cli import completion, debug, source
from plainwire.model import UserError
from plainwire.plurals import count

if TYPE_CHECKING:
    from plainwire.share.bundle import Bundle
    from plainwire.share.checking import Checked
    from plainwire.tls.keylog import KeyLog

_LEAKS_SHOWN = 20
_EXPOSED = (
    "--with-secrets: the bundle has the packets of these connections as they were, and their TLS secrets. "
    "Whoever has it reads all that was said on them: passwords, cookies, tokens, bodies."
)


@click.command("share", epilog="Example: plainwire share plainwire-case -o for-the-vendor.zip")
@click.argument(
    "case", required=False, metavar="CASE", type=click.Path(path_type=Path), shell_complete=completion.cases
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="BUNDLE", help="Write to BUNDLE (0600)."
)
@click.option(
    "--check",
    "finished",
    type=click.Path(path_type=Path),
    metavar="BUNDLE",
    help="Search BUNDLE, which was made of CASE, for what was to be hidden.",
)
@click.option(
    "--connection", "connections", type=int, multiple=True, metavar="N", help="Only connection N. Repeatable."
)
@click.option(
    "--hide",
    "names",
    multiple=True,
    metavar="NAME",
    help="Hide the values of this header field, parameter or member of JSON too. Repeatable.",
)
@click.option(
    "--with-secrets",
    is_flag=True,
    help="With the original packets of these connections and their TLS secrets: passwords included.",
)
@source.options
def command(
    case: Path | None,
    output: Path | None,
    finished: Path | None,
    connections: tuple[int, ...],
    names: tuple[str, ...],
    keys: tuple[str, ...],
    private_keys: tuple[str, ...],
    psks: tuple[str, ...],
    *,
    with_secrets: bool,
) -> int:
    """Make a bundle of CASE (a folder that plainwire run left, or a capture file) to be given away.

    It holds the connections that failed, and as many others as it takes to show why: packets with their
    times, flags, sizes and acknowledgments as they were, in which passwords, cookies, tokens and bodies are
    replaced by marks of the same length (those of QUIC stay encrypted); a letter; the packets as a table; the
    report. Host names, addresses and paths stay. Read the letter before you send it.

    Exit status: 0 done, and with --check nothing was found; 1 something was found; 2 it could not be made.
    """
    if case is None:
        message = "name the case"
        if finished is not None:
            message = f"name the case that {finished} was made of: its secrets are looked for in the bundle"
        raise click.UsageError(message)
    from plainwire.share import bundle as bundles  # noqa: PLC0415 - kept out of the start-up of other commands
    from plainwire.share.secrets_of import secrets_of  # noqa: PLC0415 - as above

    report = source.analyze(case, keys, private_keys, psks, keep_bodies=True)
    debug.show(report)
    hidden = secrets_of(report.exchanges, names)
    if finished is not None:
        return _checked(bundles.opened(finished), hidden, str(finished))
    unknown = set(connections) - {connection.id for connection in report.connections}
    if unknown:
        message = f"{case}: no connection {min(unknown)}; it has {len(report.connections)}"
        raise UserError(message)
    captures = source.captures(case)
    lines = list(source.key_log(case)) + [_read(key) for key in keys] if with_secrets else []
    sharing = bundles.Sharing(
        captures=captures,
        keys=_keys(case, keys, private_keys, psks),
        report=report,
        known=list(hidden),
        names=list(names),
        connections=list(connections),
        version=version("plainwire"),
        key=chance.token_bytes(32),
        at_client=case.is_dir(),
        key_log=[line for text in lines for line in text.splitlines()],
    )
    if with_secrets:
        click.echo(f"plainwire: {_EXPOSED}", err=True)
    made = bundles.make(sharing)
    status = _checked(made, hidden, "the bundle", quiet=True)
    if status:
        click.echo("plainwire: nothing was written", err=True)
        return status
    path = output or Path(f"{case.name.removesuffix('.pcapng').removesuffix('.pcap') or 'case'}-bundle.zip")
    _write(path, bundles.packed(made))
    _tell(made, path)
    return 0


def _keys(case: Path, keys: tuple[str, ...], private_keys: tuple[str, ...], psks: tuple[str, ...]) -> KeyLog:
    from plainwire.keys import read_keys  # noqa: PLC0415 - as above

    known = read_keys(keys, private_keys, psks)
    for line in source.key_log(case):
        known.add(line)
    return known


def _read(path: str) -> bytes:
    return Path(path).read_bytes()


def _checked(bundle: Bundle, hidden: dict[str, str], name: str, *, quiet: bool = False) -> int:
    """Search a bundle, and say what came of it."""
    from plainwire.share.checking import check  # noqa: PLC0415 - as above

    found: Checked = check(bundle, hidden)
    for leak in found.leaks[:_LEAKS_SHOWN]:
        click.echo(f"{name}: the secret of {leak.origin} is in {leak.place}, {leak.encoding}", err=True)
    if len(found.leaks) > _LEAKS_SHOWN:
        click.echo(f"{name}: and {len(found.leaks) - _LEAKS_SHOWN} more", err=True)
    if not quiet and not found.leaks:
        click.echo(f"{name}: none of {count(found.looked_for, 'secret')} of the case is in it{_short(found)}")
    return 1 if found.leaks else 0


def _short(found: Checked) -> str:
    if not found.too_short:
        return ""
    return f"; {count(found.too_short, 'more', 'is').replace('mores', 'more')} too short to be looked for"


def _write(path: Path, data: bytes) -> None:
    with folder.output(path, links=False) as file:
        file.write(data)
    click.echo(f"{path}: SHA-256 {hashlib.sha256(data).hexdigest()}")


def _tell(made: Bundle, path: Path) -> None:
    from plainwire.share import bundle as bundles  # noqa: PLC0415 - as above

    manifest = made.manifest
    codes = ", ".join(each.code for each in manifest.verdict) or "no finding"
    click.echo(f"Its packets show: {codes}.")
    if manifest.encrypted:
        hidden = ", ".join(dict.fromkeys(each.code for each in manifest.encrypted))
        click.echo(f"Told, but not shown by its packets, since those of QUIC stay encrypted: {hidden}.")
    if manifest.lost:
        click.echo(f"What they do not show: {', '.join(manifest.lost)}.")
    for line in manifest.left_out:
        click.echo(f"Not in it: {line}.")
    click.echo(f"Read {bundles.LETTER} in it before you send it: unzip -p {path} {bundles.LETTER}")
