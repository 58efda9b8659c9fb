"""``plainwire export``: a case in the form of another tool."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from plainwire import folder
from plainwire.cli import completion, debug, source
from plainwire.model import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from plainwire.model import Connection, Report
    from plainwire.tls.keylog import KeyLog


class _Form(NamedTuple):
    """What an option asks for. ``number``: it is about one exchange."""

    write: Callable[[Report, ExportOptions], Iterable[bytes]]
    number: bool = False


class ExportOptions(NamedTuple):
    """What else was asked for."""

    path: Path
    keys: tuple[str, ...]
    number: int
    secrets: bool
    connections: tuple[int, ...] = ()
    decrypted: bool = False
    private_keys: tuple[str, ...] = ()
    psks: tuple[str, ...] = ()
    bodies: bool = False


def _har(report: Report, _wanted: ExportOptions) -> Iterable[bytes]:
    from plainwire.export import har  # noqa: PLC0415 - each form is loaded when it is asked for

    return har.encoded(report, version("plainwire"))


def _json(report: Report, _wanted: ExportOptions) -> Iterable[bytes]:
    from plainwire.report import json  # noqa: PLC0415 - as above

    return (*json.encoded(report), b"\n")


def _html(report: Report, wanted: ExportOptions) -> Iterable[bytes]:
    from plainwire import provenance  # noqa: PLC0415 - as above
    from plainwire.report import html  # noqa: PLC0415 - as above

    return (html.render(report, provenance.about(wanted.path), bodies=wanted.bodies).encode(),)


def _markdown(report: Report, _wanted: ExportOptions) -> Iterable[bytes]:
    from plainwire.export import markdown  # noqa: PLC0415 - as above

    return (markdown.render(report).encode(),)


def _junit(report: Report, _wanted: ExportOptions) -> Iterable[bytes]:
    from plainwire.export import junit  # noqa: PLC0415 - as above

    return (junit.render(report).encode(),)


def _sarif(report: Report, wanted: ExportOptions) -> Iterable[bytes]:
    from plainwire.export import sarif  # noqa: PLC0415 - as above

    capture = wanted.path / "capture.pcapng" if wanted.path.is_dir() else wanted.path
    return (sarif.encode(report, version("plainwire"), capture.name),)


def _otlp(report: Report, _wanted: ExportOptions) -> Iterable[bytes]:
    from plainwire.export import otlp  # noqa: PLC0415 - as above

    return (otlp.encode(report, version("plainwire")),)


def _trace(report: Report, _wanted: ExportOptions) -> Iterable[bytes]:
    from plainwire.export import trace  # noqa: PLC0415 - as above

    return trace.encoded(report)


def _qlog(report: Report, wanted: ExportOptions) -> Iterable[bytes]:
    from plainwire.export.qlog import Qlog  # noqa: PLC0415 - as above
    from plainwire.share import quic_packets  # noqa: PLC0415 - as above

    qlog = Qlog([connection for connection in _chosen(report, wanted) if connection.transport == "quic"])
    if qlog.empty:
        message = f"{wanted.path}: none of these connections is one of QUIC: --qlog is about no others"
        raise UserError(message)
    keys = _keys(wanted)
    for line in source.key_log(wanted.path):
        keys.add(line)
    quic_packets.follow(source.captures(wanted.path), keys, qlog.take)
    return qlog.written()


def _curl(report: Report, wanted: ExportOptions) -> Iterable[bytes]:
    return (_repeated(report, wanted, "curl"),)


def _python(report: Report, wanted: ExportOptions) -> Iterable[bytes]:
    return (_repeated(report, wanted, "python"),)


def _repeated(report: Report, wanted: ExportOptions, form: str) -> bytes:
    from plainwire.export import repeat  # noqa: PLC0415 - as above

    exchange = next((e for e in report.exchanges if e.id == wanted.number), None)
    if exchange is None:
        message = f"{wanted.path}: no exchange {wanted.number}; it has {len(report.exchanges)}"
        raise UserError(message)
    connection = next(c for c in report.connections if c.id == exchange.connection)
    write = repeat.curl if form == "curl" else repeat.python
    try:
        return write(exchange, connection, secrets=wanted.secrets).encode("utf-8", "surrogateescape")
    except ValueError as error:
        raise UserError(str(error)) from error


def _pcapng(report: Report, wanted: ExportOptions) -> Iterable[bytes]:
    import secrets  # noqa: PLC0415 - as above

    from plainwire.share import extract  # noqa: PLC0415 - as above
    from plainwire.share.subtraction import Chosen  # noqa: PLC0415 - as above

    chosen = Chosen(
        captures=source.captures(wanted.path),
        keys=_keys(wanted),
        connections=_chosen(report, wanted),
        packets=[],
        known=[],
        names=[],
        reveals=wanted.secrets,
    )
    lines = [
        line for text in (*source.key_log(wanted.path), *_read_all(wanted.keys)) for line in text.splitlines()
    ]
    if wanted.decrypted:
        chosen.keys.add(b"\n".join(lines))
        made = extract.decrypted(chosen, secrets.token_bytes(32))
    else:
        made = extract.as_it_was(chosen, dict.fromkeys(lines), report)
    for number, why in made.left_out.items():
        click.echo(f"plainwire: connection {number} is not in it: {why}", err=True)
    return (made.capture,)


def _chosen(report: Report, wanted: ExportOptions) -> list[Connection]:
    """The connections that were asked for; without ``--connection`` all."""
    known = {connection.id: connection for connection in report.connections}
    missing = [number for number in wanted.connections if number not in known]
    if missing:
        message = f"{wanted.path}: no connection {missing[0]}; it has {len(known)}"
        raise UserError(message)
    return [known[number] for number in dict.fromkeys(wanted.connections or known)]


def _keys(wanted: ExportOptions) -> KeyLog:
    from plainwire.keys import read_keys  # noqa: PLC0415 - as above

    return read_keys(wanted.keys, wanted.private_keys, wanted.psks)


def _read_all(paths: Iterable[str]) -> Iterable[bytes]:
    for path in paths:
        yield Path(path).read_bytes()


FORMS: dict[str, _Form] = {
    "har": _Form(_har),
    "markdown": _Form(_markdown),
    "json": _Form(_json),
    "html": _Form(_html),
    "junit": _Form(_junit),
    "sarif": _Form(_sarif),
    "otlp": _Form(_otlp),
    "trace": _Form(_trace),
    "qlog": _Form(_qlog),
    "curl": _Form(_curl, number=True),
    "python": _Form(_python, number=True),
}
_HELP = {
    "har": "HTTP Archive 1.2, for the network panel of a browser.",
    "markdown": "The verdict for an issue tracker.",
    "json": "The whole report: report.json.",
    "html": "The page: report.html.",
    "junit": "JUnit XML: a test case for each finding.",
    "sarif": "SARIF 2.1.0, for the alerts of a code host.",
    "otlp": "OpenTelemetry spans, in OTLP's JSON.",
    "trace": "Chrome trace JSON, for ui.perfetto.dev.",
    "qlog": "qlog of the QUIC connections (--connection): packets and frames, for qvis.",
    "curl": "Exchange N as a curl command.",
    "python": "Exchange N as a Python script.",
}


def _options(command: click.Command) -> click.Command:
    """An option for each form."""
    for name, form in reversed(FORMS.items()):
        option = click.Option(
            [f"--{name}"],
            help=_HELP[name],
            **({"type": int, "metavar": "N"} if form.number else {"is_flag": True}),
        )
        command.params.insert(1, option)
    return command


@_options
@click.command("export", epilog="Example: plainwire export plainwire-case --har -o case.har")
@click.argument("case", type=click.Path(path_type=Path), shell_complete=completion.cases)
@click.option(
    "--parquet",
    is_flag=True,
    help="Tables in Parquet, in the folder -o (docs/tables.md). Needs plainwire[query].",
)
@click.option(
    "--keylog",
    is_flag=True,
    help="The TLS secrets of the capture, in the form of SSLKEYLOGFILE. Whoever has them reads the packets.",
)
@click.option(
    "--pcapng",
    is_flag=True,
    help="The packets of chosen connections (--connection) with their TLS secrets, or --decrypted.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write to FILE (0600).")
@click.option(
    "--bodies", is_flag=True, help="With the bodies that are text, secrets in them hidden (--har, --html)."
)
@click.option(
    "--with-secrets",
    is_flag=True,
    help="With the passwords and tokens that were sent (--curl, --python, --pcapng --decrypted).",
)
@click.option(
    "--connection",
    "connections",
    type=int,
    multiple=True,
    metavar="N",
    help="Only N (--pcapng, --qlog). Repeatable.",
)
@click.option(
    "--decrypted",
    is_flag=True,
    help="Without TLS: the same packets, times, flags and resets with the plain HTTP in them (--pcapng).",
)
@source.options
def command(
    case: Path,
    output: Path | None,
    keys: tuple[str, ...],
    private_keys: tuple[str, ...],
    psks: tuple[str, ...],
    connections: tuple[int, ...],
    *,
    decrypted: bool,
    keylog: bool,
    pcapng: bool,
    bodies: bool,
    with_secrets: bool,
    parquet: bool,
    **forms: object,
) -> None:
    """Write CASE, the folder that plainwire run left or a capture file, in the form of another tool.

    What may be a secret of yours is hidden, as in every report, but in --keylog, in --pcapng without
    --decrypted (whoever has it reads those connections), and --with-secrets.
    """
    if parquet:
        if keylog or pcapng or any(value not in (None, False) for value in forms.values()):
            message = "--parquet is a form of its own"
            raise click.UsageError(message)
        _parquet(output, case, source.analyze(case, keys, private_keys, psks))
        return
    asked = [name for name, value in forms.items() if value not in (None, False)] + ["keylog"] * keylog
    asked += ["pcapng"] * pcapng
    if len(asked) != 1:
        message = f"name one form: {', '.join(f'--{name}' for name in (*FORMS, 'keylog', 'pcapng'))}"
        raise click.UsageError(message)
    if (connections and asked[0] not in ("pcapng", "qlog")) or (decrypted and asked != ["pcapng"]):
        message = "--connection is for --pcapng and --qlog, --decrypted for --pcapng"
        raise click.UsageError(message)
    if keylog:
        _write(output, source.key_log(case))
        return
    form = _Form(_pcapng) if pcapng else FORMS[asked[0]]
    report = source.analyze(case, keys, private_keys, psks, keep_bodies=bodies or form.number)
    debug.show(report)
    number = forms.get(asked[0])
    wanted = ExportOptions(
        case,
        keys,
        number if type(number) is int else 0,
        with_secrets,
        connections,
        decrypted,
        private_keys,
        psks,
        bodies,
    )
    _write(output, form.write(report, wanted))


def _parquet(into: Path | None, case: Path, report: Report) -> None:
    if into is None:
        message = "--parquet writes a folder: name it with -o"
        raise click.UsageError(message)
    import orjson  # noqa: PLC0415 - as each form

    from plainwire.querying import Tables  # noqa: PLC0415 - as above
    from plainwire.report import json  # noqa: PLC0415 - as above

    with Tables() as tables:
        tables.add(orjson.loads(json.encode(report)), str(case))
        tables.write_parquet(into)
    debug.show(report)


def _write(path: Path | None, parts: Iterable[bytes]) -> None:
    if path is None:
        sys.stdout.buffer.writelines(parts)
        sys.stdout.buffer.flush()
        return
    with folder.output(path, links=False) as file:
        file.writelines(parts)
