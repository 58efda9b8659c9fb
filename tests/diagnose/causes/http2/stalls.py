"""Streams that broke the rules of HTTP/2 and HTTP/3, or that nothing moved any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import diagnose

if TYPE_CHECKING:
    from tests.diagnose.causes.http2.multiplexed import Multiplexed


def codes(scene: Multiplexed) -> list[tuple[str, str]]:
    return [(finding.code, finding.fault) for finding in diagnose([scene.connection()])]
