"""``plainwire open``: Wireshark, at the packet that decides."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plainwire import sudo
from plainwire.case import Case
from plainwire.cli import completion, debug, source
from plainwire.model import UserError

if TYPE_CHECKING:
    from plainwire.model import Connection, Finding, Report

_WIRESHARK = "wireshark"
_DECIDING_FRAMES = frozenset({"goaway", "rst_stream", "reset_stream", "stop_sending", "connection_close"})


@click.command("open", epilog="Example: plainwire open plainwire-case")
@click.argument("case", type=click.Path(path_type=Path), shell_complete=completion.cases)
@click.option("--finding", "number", type=int, default=1, metavar="N", help="The packet of finding N (1).")
@click.option("--print", "only_print", is_flag=True, help="Print the command; start nothing.")
@source.options
def command(
    case: Path,
    keys: tuple[str, ...],
    private_keys: tuple[str, ...],
    psks: tuple[str, ...],
    number: int,
    *,
    only_print: bool,
) -> None:
    """Start Wireshark on CASE (a folder that plainwire run left, or a capture file) where it is decided.

    Where there is no Wireshark, or nowhere to show it, the command is printed.
    """
    report = source.analyze(case, keys, private_keys, psks)
    debug.show(report)
    words = arguments(report, case, keys, number)
    program = shutil.which(_WIRESHARK)
    shows = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    if only_print or program is None or not shows:
        click.echo(shlex.join([_WIRESHARK, *words]))
        return
    user = sudo.caller()
    subprocess.Popen(
        [program, *words],
        env=None if user is None else user.environment(os.environ),
        **sudo.identity(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def arguments(report: Report, case: Path, keys: tuple[str, ...], number: int) -> list[str]:
    """What Wireshark is started with: the capture, its secrets, the packet, and its connection alone."""
    if report.findings and not 1 <= number <= len(report.findings):
        message = f"{case}: no finding {number}; it has {len(report.findings)}"
        raise UserError(message)
    # absolute: a name that begins with a dash would be read as an option
    words = [str((Case(case).capture if case.is_dir() else case).absolute())]
    words += [word for key in keys for word in ("-o", f"tls.keylog_file:{Path(key).absolute()}")]
    if not report.findings:
        return words
    finding = report.findings[number - 1]
    connection = next((c for c in report.connections if c.id in finding.connections), None)
    packet = deciding(finding, connection)
    if packet is not None:
        words += ["-g", str(packet)]
    if connection is not None:
        transport = "udp" if connection.transport == "quic" else "tcp"
        version = "ipv6" if ":" in connection.server.address else "ip"
        ends = connection.client, connection.server
        words += [
            "-Y",
            " && ".join(f"{version}.addr == {end.address} && {transport}.port == {end.port}" for end in ends),
        ]
    return words


def deciding(finding: Finding, connection: Connection | None) -> int | None:
    """The packet that decides: the first of those cited that closes anything, else the last that is cited."""
    closing: set[int] = set()
    if connection is not None:
        closing |= {close.packet for close in connection.closes}
        closing |= {event.packet for event in connection.events if event.kind in _DECIDING_FRAMES}
    cited = [evidence.packet for evidence in finding.evidence]
    return next((packet for packet in cited if packet in closing), cited[-1] if cited else None)
