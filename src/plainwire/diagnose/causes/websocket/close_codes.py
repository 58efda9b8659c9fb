"""Words of websocket-close-...: what each code of a Close frame means, and about whom it complains.

Names and meanings are those of RFC 6455 section 7.4 and of IANA's registry of close codes. Codes from 3000 on
are libraries' and applications' own: ``application_code`` makes their cause when one is met.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from plainwire.diagnose.causes.cause import Cause, Meaning
from plainwire.diagnose.causes.family import Family, Member

if TYPE_CHECKING:
    from plainwire.model import Fault, Side

_REASON = "Look at the reason, and at the last message before the Close frame."
_LOG = "Log the reason, with what came before it."
_SMALLER = "Send smaller messages, or have the limit raised; the same message will fail again."
_LARGER = "Raise the limit (max_size, maxPayload) if such messages are meant."
_OWN = range(3000, 5000)
"""RFC 6455 section 7.4.2: codes of libraries and of programs."""
_OWN_CODE = re.compile(r"websocket-close-([34][0-9]{3})").fullmatch


def _own_trouble(name: str, means: str, client: str, server: str) -> Member:
    """A code by which its sender speaks of itself."""
    return Member(name, Meaning(means, "server", client, server), Meaning(means, "client", client, server))


def _complaint(
    name: str, means: str, fault: Fault | None, client: str = _REASON, server: str = _LOG
) -> Member:
    """A code by which its sender complains; ``fault`` None: about its peer."""
    return Member(
        name,
        Meaning(means, fault or "client", client, server),
        Meaning(means, fault or "server", client, server),
    )


WEBSOCKET_CLOSE = Family(
    stem="websocket-close",
    made_by="causes/websocket/websocket_close_code.py",
    title="a WebSocket was closed with code {name}",
    meaning="Either side ends a WebSocket with a Close frame that says why. The reason that it gave, if "
    "any, is quoted. Whether a complaint is true only the frames before it can show.",
    established="The first Close frame, decrypted, has this code.",
    refuted="A code of 1000, 1001 or none (normal); no Close frame (websocket-abnormal-close).",
    references=("RFC 6455 section 7.4", "RFC 6455 section 5.5.1"),
    members=(
        _complaint("1002", "its peer broke the protocol", "unknown"),
        _complaint("1003", "it got data of a kind that it does not take", "both"),
        _complaint("1007", "a message had data that are not of its type, as text that is not UTF-8", None),
        _complaint(
            "1008",
            "a message, or the connection, is against its policy: credentials, an origin, a rate",
            "unknown",
            "Look at the reason: credentials that expired, an origin or a rate that is not allowed.",
            "Say in the reason which rule it was, so that a client can act on it.",
        ),
        _complaint("1009", "a message is larger than it takes", "both", _SMALLER, _LARGER),
        _complaint("1010", "an extension that it needs was not agreed to", "both"),
        _own_trouble(
            "1011",
            "it met something unexpected and cannot go on: an exception in a handler, or a PING without a "
            "PONG",
            "Reconnect after a pause.",
            "Log the exception that ended the handler.",
        ),
        _own_trouble(
            "1012",
            "it restarts",
            "Reconnect after a pause of random length.",
            "Let connections drain before a restart.",
        ),
        _own_trouble(
            "1013",
            "it has too much to do, and its peer may try again later",
            "Reconnect after a pause that grows.",
            "Add capacity, or refuse the upgrade with 503.",
        ),
        _own_trouble(
            "1014",
            "as a gateway it got an invalid response from what is behind it",
            "Reconnect after a pause.",
            "Look for the upstream that failed at this time.",
        ),
        _complaint(
            "3000",
            "its peer is not authorized",
            "unknown",
            "Check the credentials, and their expiry.",
            "Say in the reason what is missing.",
        ),
        _complaint(
            "3003",
            "its peer may not do this",
            "unknown",
            "Check the rights of these credentials.",
            "Say in the reason what is not allowed.",
        ),
        _complaint(
            "3008",
            "something took too long",
            "unknown",
            "Look at the reason: what was waited for.",
            "Say in the reason what was waited for.",
        ),
    ),
    other=Member(
        "an unregistered number",
        Meaning("something that no registered code says", "unknown", _REASON, _LOG),
        Meaning("something that no registered code says", "unknown", _REASON, _LOG),
    ),
)


_APPLICATION = Meaning(
    "something happened that has a code of the application's own",
    "unknown",
    "Look the code up in the service's documentation; the reason may tell as much.",
    "Document the code, and say in the reason what it stands for.",
)


def code_of(number: int) -> str:
    """The code of a finding about this close code; an application's own keeps its number."""
    return f"{WEBSOCKET_CLOSE.stem}-{number}" if number in _OWN else WEBSOCKET_CLOSE.code(str(number))


def said_by(number: int, sender: Side) -> Meaning:
    """What the close code means from this sender."""
    if number in _OWN and WEBSOCKET_CLOSE.code(str(number)) != code_of(number):
        return _APPLICATION
    return WEBSOCKET_CLOSE.said(str(number), sender) or _APPLICATION


def application_code(code: str) -> Cause | None:
    """The cause of a close code that is an application's own (RFC 6455 section 7.4.2)."""
    match = _OWN_CODE(code)
    if match is None:
        return None
    return Cause(
        code,
        WEBSOCKET_CLOSE.title.format(name=match[1]),
        WEBSOCKET_CLOSE.meaning,
        WEBSOCKET_CLOSE.established,
        WEBSOCKET_CLOSE.refuted,
        _APPLICATION.client,
        _APPLICATION.server,
        WEBSOCKET_CLOSE.references,
        family=WEBSOCKET_CLOSE.stem,
        by_server=_APPLICATION,
        by_client=_APPLICATION,
    )
