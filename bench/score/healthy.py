"""Healthy traffic as control."""

from __future__ import annotations

from pathlib import Path

from score.programs import Program


def control(_programs: list[Program], _folder: Path, _connections: int) -> bool:
    """Nothing yet."""
    return True
