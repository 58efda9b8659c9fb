"""Transport parameters: RFC 9000 section 18, RFC 9221, RFC 9287, RFC 9368."""

from __future__ import annotations

from msgspec import Struct, field

from plainwire.model import Discreet
from plainwire.quic import versions
from plainwire.quic.integers import varint

EXTENSIONS = (0x39, 0xFFA5)
"""Numbers of the TLS extension that carries them: RFC 9001 section 8.2, and of drafts before 33."""

_INTEGERS = {
    0x01: "max_idle_timeout",
    0x03: "max_udp_payload_size",
    0x04: "initial_max_data",
    0x05: "initial_max_stream_data_bidi_local",
    0x06: "initial_max_stream_data_bidi_remote",
    0x07: "initial_max_stream_data_uni",
    0x08: "initial_max_streams_bidi",
    0x09: "initial_max_streams_uni",
    0x0A: "ack_delay_exponent",
    0x0B: "max_ack_delay",
    0x0E: "active_connection_id_limit",
    0x20: "max_datagram_frame_size",
}
_FLAGS = {0x0C: "disable_active_migration", 0x2AB2: "grease_quic_bit"}
_IDS = {
    0x00: "original_destination_connection_id",
    0x0F: "initial_source_connection_id",
    0x10: "retry_source_connection_id",
}
_RESET_TOKEN, _PREFERRED_ADDRESS, _VERSION_INFORMATION = 0x02, 0x0D, 0x11
_TOKEN = 16
_ADDRESSES = 4 + 2 + 16 + 2
_MOST = 64


class Parameters(Discreet, Struct):
    """What one side announced. ``facts`` by name; the other fields are needed to follow the connection."""

    unshown = ("reset_token", "preferred_token")

    facts: dict[str, int | str] = field(default_factory=dict)
    reset_token: bytes = b""
    preferred_id: bytes = b""
    preferred_token: bytes = b""


def parse(data: bytes) -> Parameters:
    """Read the extension's contents, without what is cut or malformed."""
    found = Parameters()
    at = 0
    try:
        for _ in range(_MOST):
            if at >= len(data):
                break
            number, at = varint(data, at)
            size, at = varint(data, at)
            if at + size > len(data):
                break
            _take(found, number, data[at : at + size])
            at += size
    except IndexError:
        pass
    return found


def _take(found: Parameters, number: int, value: bytes) -> None:
    if number in _INTEGERS:
        found.facts[_INTEGERS[number]] = varint(value, 0)[0]
    elif number in _FLAGS:
        found.facts[_FLAGS[number]] = 1
    elif number in _IDS:
        found.facts[_IDS[number]] = value.hex()
    elif number == _RESET_TOKEN and len(value) == _TOKEN:
        found.reset_token = value
    elif number == _PREFERRED_ADDRESS:
        _preferred(found, value)
    elif number == _VERSION_INFORMATION and len(value) >= 4:
        chosen, *available = (int.from_bytes(value[at : at + 4], "big") for at in range(0, len(value) - 3, 4))
        found.facts["chosen_version"] = versions.name(chosen)
        found.facts["available_versions"] = ", ".join(versions.name(v) for v in available[:16])


def _preferred(found: Parameters, value: bytes) -> None:
    size = value[_ADDRESSES]
    rest = value[_ADDRESSES + 1 :]
    if len(rest) == size + _TOKEN:
        found.preferred_id, found.preferred_token = rest[:size], rest[size:]
        found.facts["preferred_address"] = 1
