"""A connect that failed at the address of a proxy which the program's environment names."""

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
                told = (
                    f"Its environment names this address as its proxy ({variable}): it is the proxy that was "
                    "not reached, and the server was not asked. NO_PROXY keeps hosts out of it."
                )
                finding.program_says = f"{told} {finding.program_says}".rstrip()
                finding.advice_client = f"Look at {variable} and NO_PROXY. {finding.advice_client}"
                break


def _addresses(host: str, lookups: Sequence[Lookup]) -> set[str]:
    """The addresses of a host, as far as they are known; empty where they are not."""
    try:
        return {str(ipaddress.ip_address(host))}
    except ValueError:
        pass
    if host == "localhost":
        return {"127.0.0.1", "::1"}
    return {address for lookup in lookups if lookup.name.rstrip(".") == host for address in lookup.addresses}
