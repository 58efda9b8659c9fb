"""A case, analysed: the packets that it holds, with what its program's side saw."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from plainwire import pipeline
from plainwire.acquire import events
from plainwire.model import UserError
from plainwire.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.case import Case
    from plainwire.folder import FileSource
    from plainwire.model import Report

_UNSEEN = Progress()


def analyze(
    case: Case,
    keys: Sequence[FileSource] = (),
    *,
    private_keys: Sequence[FileSource] = (),
    psks: Sequence[str] = (),
    keep_bodies: bool = False,
    progress: Progress = _UNSEEN,
) -> Report:
    """Read a case: its packets, which hold everything, with what its program's side saw.

    The secrets are with the packets; where plainwire was killed before they were, the key log stayed behind.

    Raises:
        UserError: there is no capture in it, or it cannot be read.

    """
    place = case.place
    if not place.has(case.capture.name):
        message = f"{case.folder}: no case, there is no {case.capture.name} in it"
        raise UserError(message)
    program = events.read(place.open(case.program.name)) if place.has(case.program.name) else None
    left = [place.open(case.keys.name)] if place.has(case.keys.name) else []
    capture = place.open(case.capture.name)
    progress.step("decrypting and analysing", os.fstat(capture.descriptor).st_size)
    return pipeline.analyze(
        [capture],
        [*keys, *left],
        private_keys=private_keys,
        psks=psks,
        events=program,
        program_only=program is not None,
        keep_bodies=keep_bodies,
        through=progress.through,
    )
