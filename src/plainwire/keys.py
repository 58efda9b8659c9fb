"""The files that secrets are read from: key logs, private keys; and pre-shared keys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from plainwire.model import UserError
from plainwire.tls.keylog import KeyLog

if TYPE_CHECKING:
    from collections.abc import Iterable


def read_keys(
    paths: Iterable[str | Path], private_keys: Iterable[str | Path] = (), psks: Iterable[str] = ()
) -> KeyLog:
    """Read key log files, servers' private keys, and pre-shared keys (hex digits, or ``@FILE`` with these).

    Raises:
        UserError: a file cannot be read, or is none of these.

    """
    keys = KeyLog()
    for path in paths:
        keys.add(_read(path))
    for path in private_keys:
        keys.private_keys.add(_read(path), str(path))
    for number, psk in enumerate(psks, 1):
        digits = _read(psk[1:]).decode("ascii", "replace") if psk.startswith("@") else psk
        try:
            keys.psks.append(bytes.fromhex(digits))
        except ValueError:
            message = f"pre-shared key {number} is not an even number of hex digits"
            raise UserError(message) from None
    return keys


def _read(path: str | Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        message = f"{path}: {error.strerror}"
        raise UserError(message) from error
