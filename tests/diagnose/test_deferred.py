"""Rules that are imported when they are asked: the same functions, and no import before."""

from __future__ import annotations

import builtins
import subprocess
import sys

import pytest

from plainwire.diagnose import order
from plainwire.diagnose.deferred import DeferredRule, imported_when_asked

RULES = [(name, rule) for name, rules in vars(order).items() if isinstance(rules, tuple) for rule in rules]


@pytest.mark.parametrize(("name", "rule"), RULES, ids=[f"{name}-{rule.__name__}" for name, rule in RULES])
def test_each_rule_of_the_order_is_a_function_of_its_file(name: str, rule: DeferredRule) -> None:
    assert isinstance(rule, DeferredRule), name
    assert rule.rule().__name__ == rule.__name__


def test_importing_the_order_imports_no_rule() -> None:
    script = (
        "import sys, plainwire.diagnose.order\n"
        "print([name for name in sys.modules if name.startswith('plainwire.diagnose.causes.')])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_only_rules_of_this_package_are_deferred_and_only_in_the_block() -> None:
    usual = builtins.__import__
    with imported_when_asked(__package__):
        from plainwire.diagnose.causes.undecided.unexplained import unexplained  # noqa: PLC0415
    assert not isinstance(unexplained, DeferredRule)
    assert builtins.__import__ is usual


def test_the_usual_import_is_back_when_the_block_fails() -> None:
    usual = builtins.__import__
    with pytest.raises(ZeroDivisionError), imported_when_asked(__package__):
        raise ZeroDivisionError
    assert builtins.__import__ is usual
