"""The compiled kernel (native/kernel/), where it was built: a part of the readers and writers.

Without it, or with ``PLAINWIRE_KERNEL=off``, Python does all of it; what comes out is the same.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

VERSION = "0.8.0"
"""Of what the readers and writers ask of it, as native/kernel/Cargo.toml has it: they change together."""

compiled: ModuleType | None = None
if os.environ.get("PLAINWIRE_KERNEL") != "off":
    try:
        compiled = importlib.import_module("plainwire._kernel")
    except ImportError:
        compiled = None  # not built, or for another Python
    if compiled is not None and compiled.VERSION != VERSION:
        compiled = None  # built before this was changed
