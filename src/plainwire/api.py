"""plainwire for programs: ``plainwire.analyze`` and the ``Report`` that it gives (docs/api.md)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from plainwire import model, pipeline
from plainwire.report import json

if TYPE_CHECKING:
    from plainwire.model import Connection, Exchange, Finding

OnePath = str | os.PathLike[str]
Paths = OnePath | Iterable[OnePath]


class Report(model.Report):
    """What was found, with the way from each part to those that it names."""

    def exchanges_of(self, finding: Finding) -> list[Exchange]:
        """The exchanges that a finding is about, in the order of their requests."""
        wanted = set(finding.exchanges)
        return [exchange for exchange in self.exchanges if exchange.id in wanted]

    def connection_of(self, exchange: Exchange) -> Connection:
        """The connection that carried an exchange of this report.

        Raises:
            KeyError: this report has no such connection.

        """
        for connection in self.connections:
            if connection.id == exchange.connection:
                return connection
        raise KeyError(exchange.connection)

    def to_json(self) -> str:
        """The report as JSON (docs/report.md), as ``plainwire analyze --json`` prints it.

        What may be a secret in it (cookies, tokens, passwords) is hidden.
        """
        return json.encode(self).decode()


def analyze(
    paths: Paths,
    keys: Paths = (),
    *,
    private_keys: Paths = (),
    psks: Iterable[str] = (),
    keep_bodies: bool = False,
) -> Report:
    """Find out what went wrong in capture files, read as one capture, or in a case that ``run`` left.

    Args:
        paths: capture files (pcap, pcapng, or compressed), or the folder of one case.
        keys: key log files, beside the secrets that the captures bring.
        private_keys: files with servers' RSA keys.
        psks: pre-shared keys, in hex digits.
        keep_bodies: keep each body, decoded, as ``body`` of its request or response.

    Raises:
        UserError: a file is missing, unreadable, or not what it should be.

    """
    captures, log_files, key_files = _listed(paths), _listed(keys), _listed(private_keys)
    if len(captures) == 1 and captures[0].is_dir():
        from plainwire import reading  # noqa: PLC0415 - files need nothing of what a live run needs
        from plainwire.case import Case  # noqa: PLC0415 - as above

        found = reading.analyze(
            Case(captures[0]), log_files, private_keys=key_files, psks=list(psks), keep_bodies=keep_bodies
        )
    else:
        found = pipeline.analyze(
            captures, log_files, private_keys=key_files, psks=psks, keep_bodies=keep_bodies
        )
    return Report(*(getattr(found, name) for name in found.__struct_fields__))


def _listed(paths: Paths) -> list[Path]:
    return [Path(paths)] if isinstance(paths, str | os.PathLike) else [Path(path) for path in paths]
