"""What a command reads a case from: a case folder or a capture file, with the options that open it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import click

from plainwire.case import Case
from plainwire.cli.watching import Watch, size_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from plainwire.folder import FileSource
    from plainwire.model import Report

_Command = TypeVar("_Command", bound="Callable[..., object]")

_OPTIONS = (
    click.option(
        "-k", "--keys", multiple=True, metavar="FILE", help="Key log for a capture file. Repeatable."
    ),
    click.option(
        "--private-key",
        "private_keys",
        multiple=True,
        metavar="FILE",
        help="A server's RSA private key. Repeatable.",
    ),
    click.option(
        "--psk",
        "psks",
        multiple=True,
        metavar="HEX|@FILE",
        help="A pre-shared key, or a file that holds it. Repeatable.",
    ),
)


def options(command: _Command) -> _Command:
    """Give a command ``keys``, ``private_keys`` and ``psks``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def analyze(
    path: Path,
    keys: tuple[str, ...],
    private_keys: tuple[str, ...],
    psks: tuple[str, ...],
    *,
    keep_bodies: bool = False,
) -> Report:
    """Read the packets again: they hold everything, with the secrets, and nothing can have gone stale."""
    from plainwire import pipeline  # noqa: PLC0415 - kept out of the start-up of other commands

    with Watch() as progress:
        if not path.is_dir():
            progress.step("reading", size_of([str(path)]))
            return pipeline.analyze(
                [path],
                keys,
                private_keys=private_keys,
                psks=psks,
                keep_bodies=keep_bodies,
                through=progress.through,
            )
        from plainwire import reading  # noqa: PLC0415 - as above

        return reading.analyze(
            Case(path),
            keys,
            private_keys=private_keys,
            psks=psks,
            keep_bodies=keep_bodies,
            progress=progress,
        )


def captures(path: Path) -> list[FileSource]:
    """The files with the packets."""
    if not path.is_dir():
        return [path]
    case = Case(path)
    return [case.place.open(case.capture.name)]


def key_log(path: Path) -> Iterator[bytes]:
    """The lines of the secrets that a capture brings, each once; of a case also what a killed run left.

    Raises:
        UserError: there is no capture, or it cannot be read.

    """
    from plainwire import keys  # noqa: PLC0415 - as above

    place = Case(path).place if path.is_dir() else None
    if place is None:
        yield from keys.lines_of([path])
        return
    case = Case(path)
    left = [place.open(case.keys.name)] if place.has(case.keys.name) else []
    yield from keys.lines_of([place.open(case.capture.name)], left)
