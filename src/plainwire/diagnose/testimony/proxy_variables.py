"""A connect that failed at the address of a proxy which the program's environment or command names."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.model import Connection, Finding, Lookup, ProgramEvents

_CODES = ("connection-refused", "syn-timeout", "no-route", "connect-given-up")


def name_proxies(
    connections: Sequence[Connection],
    lookups: Sequence[Lookup],
    findings: Sequence[Finding],
    events: ProgramEvents,
) -> None:
    """Add to what the program says of such findings that it is the proxy which was not reached."""
    if not events.proxies:
        return
    servers = {connection.id: connection.server for connection in connections}
    for finding in findings:
        if finding.code not in _CODES:
            continue
        for variable, place in events.proxies.items():
            host, _, port = place.rpartition(":")
            known = _addresses(host, lookups)
            met = [servers[number] for number in finding.connections if number in servers]
            if met and all(str(s.port) == port and (not known or s.address in known) for s in met):
                told, look = _words(variable)
                finding.program_says = f"{told} {finding.program_says}".rstrip()
                finding.advice_client = f"{look} {finding.advice_client}"
                break


def _words(name: str) -> tuple[str, str]:
    """What is said of it, and what to look at: by an environment's variable, or by an option or setting."""
    missed = "it is the proxy that was not reached, and the server was not asked."
    if name.lower().endswith("_proxy"):
        told = f"Its environment names this address as its proxy ({name}): {missed}"
        return f"{told} NO_PROXY keeps hosts out of it.", f"Look at {name} and NO_PROXY."
    return f"Its command names this address as its proxy ({name}): {missed}", f"Look at {name}."


def _addresses(host: str, lookups: Sequence[Lookup]) -> set[str]:
    """The addresses of a host, as far as they are known; empty where they are not."""
    try:
        return {str(ipaddress.ip_address(host))}
    except ValueError:
        pass
    if host == "localhost":
        return {"127.0.0.1", "::1"}
    return {address for lookup in lookups if lookup.name.rstrip(".") == host for address in lookup.addresses}
