"""A connect that fails at the address that the environment names as the proxy."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from plainwire.diagnose.testimony.proxy_variables import name_proxies
from plainwire.model import Finding, Lookup
from tests.diagnose.opening import Opening
from tests.diagnose.testimony.speech import account
from tests.diagnose.wire import SERVER, SERVER_END, only


def _refused(place: str, *lookups: Lookup, by: str = "https_proxy") -> Finding:
    opening = Opening().syn(0)
    opening.close(SERVER, "rst", 80, seq=0, ack=0)
    connection = opening.done()
    findings = diagnose([connection])
    events = account()
    events.proxies = {by: place}
    name_proxies([connection], lookups, findings, events)
    return only(findings)


@pytest.mark.parametrize("host", [SERVER_END.address, "proxy.example"])
def test_the_proxy_is_named(host: str) -> None:
    finding = _refused(f"{host}:{SERVER_END.port}")
    assert "it is the proxy that was not reached" in finding.program_says
    assert "NO_PROXY" in finding.advice_client


@pytest.mark.parametrize(
    "place", [f"192.0.2.99:{SERVER_END.port}", f"{SERVER_END.address}:{SERVER_END.port + 1}"]
)
def test_another_address_is_not_the_proxy(place: str) -> None:
    assert _refused(place).program_says == ""


def test_a_name_that_leads_elsewhere_is_not_this_address() -> None:
    lookup = Lookup("proxy.example", "A", "c", "s", [(1, 0)], addresses=("192.0.2.99",))
    assert _refused(f"proxy.example:{SERVER_END.port}", lookup).program_says == ""


def test_an_option_is_named_as_what_it_is() -> None:
    finding = _refused(f"{SERVER_END.address}:{SERVER_END.port}", by="-x")
    assert finding.program_says.startswith("Its command names this address as its proxy (-x)")
    assert finding.advice_client.startswith("Look at -x. ")
