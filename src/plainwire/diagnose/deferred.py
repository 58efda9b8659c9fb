"""Rules that are imported when they are asked for the first time.

There are more than a hundred files of rules, and most captures ask few of them. To import a file costs
0.15 ms; all of them together took a sixth of the time of a small analysis.
"""

from __future__ import annotations

import builtins
from contextlib import contextmanager
from importlib import import_module
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


class DeferredRule:
    """Stands for a function of another file. Two that stand for the same function are equal."""

    def __init__(self, module: str, name: str) -> None:
        self.__name__ = name
        self._module = module
        self._rule: Callable[..., Any] | None = None

    def __call__(self, *args: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever the rule takes and gives
        """Ask the rule."""
        if self._rule is None:
            self._rule = self.rule()
        return self._rule(*args, **named)

    def rule(self) -> Callable[..., Any]:
        """The function itself."""
        found: Callable[..., Any] = getattr(import_module(self._module), self.__name__)
        return found


@contextmanager
def imported_when_asked(package: str) -> Iterator[None]:
    """Let ``from .causes... import rule`` in this block bind a ``DeferredRule``, for a module of ``package``.

    Type checkers and import contracts read the imports as what they are. (Python 3.15 has ``lazy from`` for
    this, PEP 810.) Imports of other packages, or from other threads, go their usual way meanwhile.
    """
    usual = builtins.__import__

    def imports(
        name: str,
        globals: Mapping[str, object] | None = None,  # noqa: A002 - as it is called
        locals: Mapping[str, object] | None = None,  # noqa: A002
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> Any:  # noqa: ANN401 - a module, or what stands for one
        here = globals is not None and globals.get("__package__") == package
        if here and level == 1 and fromlist and name.startswith("causes."):
            full = f"{package}.{name}"
            return SimpleNamespace(**{each: DeferredRule(full, each) for each in fromlist})
        return usual(name, globals, locals, fromlist, level)

    builtins.__import__ = imports
    try:
        yield
    finally:
        builtins.__import__ = usual
