"""plainwire finds out what really happened on an HTTPS connection, and who hung up.

    import plainwire

    report = plainwire.analyze("failing.pcapng", keys=["keys.log"])

docs/api.md shows what can be done with a report. Each name is imported when it is asked for, so that
``import plainwire`` costs nothing.
"""

from typing import TYPE_CHECKING

__all__ = ["Report", "UserError", "__version__", "analyze"]

if TYPE_CHECKING:
    from plainwire.api import Report, analyze
    from plainwire.model import UserError

    __version__: str
else:

    def __getattr__(name: str) -> object:
        import importlib  # noqa: PLC0415 - see above

        if name == "__version__":
            return importlib.import_module("importlib.metadata").version("plainwire")
        if name not in __all__:
            message = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(message)
        home = "plainwire.model" if name == "UserError" else "plainwire.api"
        return getattr(importlib.import_module(home), name)
