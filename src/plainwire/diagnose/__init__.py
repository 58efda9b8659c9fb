"""Rules over a connection's facts: from failed exchanges to findings.

Each name is imported when it is asked for: the words of causes need neither the rules nor NumPy.
"""

from typing import TYPE_CHECKING

__all__ = ["CAUSES", "account", "account_program", "diagnose", "infer"]

if TYPE_CHECKING:
    from .causes.catalogue import CAUSES
    from .ledger import account, account_program
    from .procedure import diagnose
    from .servers.inference import infer
else:
    _HOMES = {
        "CAUSES": ".causes.catalogue",
        "account": ".ledger",
        "account_program": ".ledger",
        "diagnose": ".procedure",
        "infer": ".servers.inference",
    }

    def __getattr__(name: str) -> object:
        import importlib  # noqa: PLC0415 - loaded with this package

        if name not in _HOMES:
            message = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(message)
        return getattr(importlib.import_module(_HOMES[name], __name__), name)
