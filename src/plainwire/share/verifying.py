"""The receiver's side: whether the files are those that were packed, and the packets show the verdict."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from msgspec import Struct, field

from plainwire.report.escape import printable
from plainwire.share import bundle as bundles
from plainwire.share import choosing

if TYPE_CHECKING:
    from plainwire.model import Report
    from plainwire.share.bundle import Bundle


class Verified(Struct):
    """What came of it. ``troubles``: a line each; empty where all is as the manifest says.

    ``untold``: verdicts on encrypted packets, which the bundle cannot show; they are its maker's word.
    """

    report: Report
    troubles: list[str]
    untold: list[str] = field(default_factory=list)


def verify(bundle: Bundle) -> Verified:
    """Compare hashes, and derive the verdict again.

    Raises:
        UserError: its capture cannot be read.

    """
    manifest, troubles = bundle.manifest, []
    for name, wanted in manifest.files.items():
        data = bundle.files.get(name)
        if data is None:
            troubles.append(f"{printable(name, 100)} is missing")
        elif hashlib.sha256(data).hexdigest() != wanted:
            troubles.append(f"{printable(name, 100)} is not the file that was packed: its SHA-256 is another")
    troubles += [
        f"{printable(name, 100)} is not named in the manifest"
        for name in bundle.files.keys() - manifest.files.keys()
    ]
    report = bundles.analyzed(bundle.files[bundles.CAPTURE])
    found = choosing.verdicts(report.findings)
    wanted_verdicts = sorted((each.code, each.certainty, each.exchanges) for each in manifest.verdict)
    if found != wanted_verdicts:
        troubles += [
            f"the packets do not show {_words(each)}" for each in wanted_verdicts if each not in found
        ]
        troubles += [
            f"the packets show {_words(each)}, of which the manifest says nothing"
            for each in found
            if each not in wanted_verdicts
        ]
    encrypted = [(each.code, each.certainty, each.exchanges) for each in manifest.encrypted]
    if bundles.ORIGINAL not in bundle.files:
        return Verified(report, troubles, [_words(each) for each in encrypted])
    if encrypted:
        original = choosing.verdicts(bundles.analyzed(bundle.files[bundles.ORIGINAL]).findings)
        troubles += [
            f"{bundles.ORIGINAL} does not show {_words(each)}" for each in encrypted if each not in original
        ]
    return Verified(report, troubles)


def _words(verdict: tuple[str, str, int]) -> str:
    code, certainty, exchanges = verdict
    return f"{printable(code, 80)} ({printable(certainty, 20)}, exchanges: {exchanges})"
