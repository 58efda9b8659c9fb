"""What each finding means: the one place for its words, its advice and its references.

The rules decide whether a cause applies; ``plainwire explain`` prints these entries as they are.
RFC sections are cited, never quoted. One file for each family of causes, read when a cause is asked for:
traffic without findings needs none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from .cause import Cause

__all__ = ["CAUSES", "Cause"]


class Catalogue(Mapping[str, Cause]):
    """Every code that a finding can have; those of applications' own close codes are made when asked for."""

    @cached_property
    def _causes(self) -> dict[str, Cause]:
        from .client import words as client  # noqa: PLC0415 - see the module
        from .connect import words as connect  # noqa: PLC0415
        from .grpc import words as grpc  # noqa: PLC0415
        from .handshake import words as handshake  # noqa: PLC0415
        from .http2 import words as http2  # noqa: PLC0415
        from .middlebox import words as middlebox  # noqa: PLC0415
        from .quic import words as quic  # noqa: PLC0415
        from .reuse import words as reuse  # noqa: PLC0415
        from .semantics import words as semantics  # noqa: PLC0415
        from .undecided import words as undecided  # noqa: PLC0415
        from .websocket import words as websocket  # noqa: PLC0415

        families = (
            undecided,
            reuse,
            middlebox,
            connect,
            handshake,
            semantics,
            http2,
            grpc,
            websocket,
            quic,
            client,
        )
        return {cause.code: cause for family in families for cause in family.CAUSES}

    def __getitem__(self, code: str) -> Cause:
        """Return the cause; KeyError where there is none."""
        cause = self._causes.get(code)
        if cause is None:
            from .websocket.close_codes import application_code  # noqa: PLC0415

            cause = application_code(code)
        if cause is None:
            raise KeyError(code)
        return cause

    def __iter__(self) -> Iterator[str]:
        """All registered codes, a family after the other."""
        return iter(self._causes)

    def __len__(self) -> int:
        """How many codes are registered."""
        return len(self._causes)

    def __contains__(self, code: object) -> bool:
        """Whether the code is registered: one of an application's own is not."""
        return code in self._causes


CAUSES = Catalogue()
"""Every code that a finding can have."""
