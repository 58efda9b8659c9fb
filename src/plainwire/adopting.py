"""Captures that something else made, as a case: a new folder with their packets, and secrets ahead of them.

Comments and names of interfaces are not taken along. Secrets that are no lines of a key log (a server's
private key, a pre-shared key) have no place in a capture: whoever reads the case names them again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire import case as cases
from plainwire import keys
from plainwire.capture import pcapng, reader
from plainwire.model import CaptureNote, SecretsBlock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from plainwire.case import Case
    from plainwire.folder import FileSource
    from plainwire.model import CaptureItem
    from plainwire.progress import Progress


def adopt(
    captures: Sequence[FileSource], key_logs: Iterable[FileSource], folder: Path, progress: Progress
) -> tuple[Case, list[str]]:
    """Make a case of capture files, read as one, and return it with what reading them brought to light.

    Raises:
        UserError: the folder cannot be made, or a file cannot be read; then nothing is left behind.

    """
    secrets = [piece for source in key_logs for piece in keys.pieces_of(source)]
    notes: list[str] = []

    def watched() -> Iterator[CaptureItem]:
        for item in progress.through(reader.read(captures)):
            if isinstance(item, SecretsBlock):
                secrets.append(item.data)
            elif isinstance(item, CaptureNote):
                notes.append(item.text)
            yield item

    case = cases.create(folder)
    try:
        case.place.fill(case.capture.name, lambda file: file.writelines(pcapng.file_of_items(watched())))
        pcapng.embed_secrets(case.capture, b"\n".join(secrets), case.place)
    except BaseException:
        cases.discard(case)
        raise
    return case, notes
