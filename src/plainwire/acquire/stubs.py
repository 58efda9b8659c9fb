"""What a patched function jumps to, for the processor that programs run on here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from plainwire.acquire import stub, stub_arm64
from plainwire.acquire.ptrace import MACHINE

if TYPE_CHECKING:
    from plainwire.acquire.patching import KeyLogFunction


class Stub(Protocol):
    """What ``stub`` and ``stub_arm64`` have."""

    def reaches(self, at: int, target: int) -> bool:
        """Whether a jump gets there."""

    def jump(self, at: int, target: int, covered: int) -> bytes:
        """What is written to the start of a function."""

    def instructions(
        self,
        page: int,
        ring: int,
        place: KeyLogFunction,
        offset: int,
        library: int,
        called: tuple[int, ...] = (),
    ) -> bytes:
        """What is to stand at ``page``."""


STUB: Stub = stub_arm64 if MACHINE == "aarch64" else stub
