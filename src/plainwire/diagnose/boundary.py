"""Rules run inside a boundary: a bug in one of them costs what that rule would have said, and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from plainwire.model import Bugs

P = ParamSpec("P")
T = TypeVar("T")


class Boundary:
    """``bugs`` takes note of what fails; where it is None, a bug goes on its way."""

    def __init__(self, bugs: Bugs | None) -> None:
        self._bugs = bugs

    def first(
        self,
        rules: Iterable[Callable[P, T | None]],
        otherwise: Callable[P, T] | None,
        *args: P.args,
        **named: P.kwargs,
    ) -> T | None:
        """Return what the first rule says that says anything.

        Each rule supposes that those before it had nothing to say. So where one fails nobody behind it is
        asked: ``otherwise`` speaks, if there is one.
        """
        try:
            for rule in rules:
                said = rule(*args, **named)
                if said is not None:
                    return said
        except Exception as error:  # noqa: BLE001 - whatever a bug may raise
            self._note(rule, error)
            return None if otherwise is None else otherwise(*args, **named)
        return None

    def all(self, rule: Callable[P, Iterable[T]], *args: P.args, **named: P.kwargs) -> list[T]:
        """Everything that a rule says."""
        try:
            return list(rule(*args, **named))
        except Exception as error:  # noqa: BLE001 - as above
            self._note(rule, error)
            return []

    def _note(self, rule: object, error: Exception) -> None:
        if self._bugs is None:
            raise error
        name = getattr(rule, "__name__", "").strip("_").replace("_", "-")
        self._bugs.note(f"a rule failed: {name}", error)
