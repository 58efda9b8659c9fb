"""What a report must not show: passwords, tokens and cookies of the user. One place for the whole house.

TLS secrets never come near a report; this is about what the program itself sent, received and said. The
packets of the case still hold it: reports are what people paste into a ticket. Secrets are told by their
place (a cookie, an ``Authorization`` field, a password in a URL), by the name before them (``names``) and by
their shape (``shapes``), in each text and in what it holds encoded (``text``). docs/security.md says what is
hidden and what is not.

Each name is imported when it is asked for: a report without findings shows nothing off the wire.
"""

from typing import TYPE_CHECKING

__all__ = [
    "HIDDEN",
    "QUOTED",
    "arguments",
    "authority",
    "body",
    "field",
    "headers",
    "line",
    "lines",
    "quote",
    "target",
]

if TYPE_CHECKING:
    from .bodies import body
    from .command_line import arguments
    from .fields import field, headers
    from .quotes import QUOTED, lines, quote
    from .shapes import HIDDEN
    from .text import authority, line, target
else:
    _HOMES = {
        "HIDDEN": ".shapes",
        "QUOTED": ".quotes",
        "arguments": ".command_line",
        "authority": ".text",
        "body": ".bodies",
        "field": ".fields",
        "headers": ".fields",
        "line": ".text",
        "lines": ".quotes",
        "quote": ".quotes",
        "target": ".text",
    }

    def __getattr__(name: str) -> object:
        import importlib  # noqa: PLC0415 - loaded with this package

        if name not in _HOMES:
            message = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(message)
        found = globals()[name] = getattr(importlib.import_module(_HOMES[name], __name__), name)
        return found
