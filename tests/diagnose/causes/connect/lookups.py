"""What name servers said, held against the connections that followed."""

from __future__ import annotations

from plainwire.model import Lookup
from tests.diagnose.wire import EPOCH_NS, MS, SERVER_END

NAME = "storage.example"


RESOLVER, OTHER = "192.0.2.53", "192.0.2.54"


def lookup(
    *sent: float,
    at: float | None = None,
    code: str = "NOERROR",
    addresses: tuple[str, ...] = (SERVER_END.address,),
    server: str = RESOLVER,
    client: str = "192.0.2.7",
    name: str = NAME,
) -> Lookup:
    """Times in milliseconds; packets are numbered from 9000 by their times."""
    sendings = [(9000 + int(each), EPOCH_NS + int(each * MS)) for each in sent]
    if at is None:
        return Lookup(name, "A", client, server, sendings)
    return Lookup(
        name, "A", client, server, sendings, 9000 + int(at), EPOCH_NS + int(at * MS), code, addresses
    )
