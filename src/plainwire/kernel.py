"""The compiled kernel (native/kernel/), where it was built: a part of the readers and writers.

Without it, or with ``PLAINWIRE_KERNEL=off``, Python does all of it; what comes out is the same.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

compiled: ModuleType | None = None
if os.environ.get("PLAINWIRE_KERNEL") != "off":
    try:
        compiled = importlib.import_module("plainwire._kernel")
    except ImportError:
        compiled = None  # not built, or for another Python
