"""Names of error codes: RFC 9000 section 20, RFC 9001 section 4.8, RFC 9114 section 8.1, RFC 9204 6."""

from __future__ import annotations

from plainwire.tls import alerts

_TRANSPORT = (
    "NO_ERROR",
    "INTERNAL_ERROR",
    "CONNECTION_REFUSED",
    "FLOW_CONTROL_ERROR",
    "STREAM_LIMIT_ERROR",
    "STREAM_STATE_ERROR",
    "FINAL_SIZE_ERROR",
    "FRAME_ENCODING_ERROR",
    "TRANSPORT_PARAMETER_ERROR",
    "CONNECTION_ID_LIMIT_ERROR",
    "PROTOCOL_VIOLATION",
    "INVALID_TOKEN",
    "APPLICATION_ERROR",
    "CRYPTO_BUFFER_EXCEEDED",
    "KEY_UPDATE_ERROR",
    "AEAD_LIMIT_REACHED",
    "NO_VIABLE_PATH",
    "VERSION_NEGOTIATION_ERROR",
)
_HTTP3 = {
    0x33: "H3_DATAGRAM_ERROR",
    0x100: "H3_NO_ERROR",
    0x101: "H3_GENERAL_PROTOCOL_ERROR",
    0x102: "H3_INTERNAL_ERROR",
    0x103: "H3_STREAM_CREATION_ERROR",
    0x104: "H3_CLOSED_CRITICAL_STREAM",
    0x105: "H3_FRAME_UNEXPECTED",
    0x106: "H3_FRAME_ERROR",
    0x107: "H3_EXCESSIVE_LOAD",
    0x108: "H3_ID_ERROR",
    0x109: "H3_SETTINGS_ERROR",
    0x10A: "H3_MISSING_SETTINGS",
    0x10B: "H3_REQUEST_REJECTED",
    0x10C: "H3_REQUEST_CANCELLED",
    0x10D: "H3_REQUEST_INCOMPLETE",
    0x10E: "H3_MESSAGE_ERROR",
    0x10F: "H3_CONNECT_ERROR",
    0x110: "H3_VERSION_FALLBACK",
    0x200: "QPACK_DECOMPRESSION_FAILED",
    0x201: "QPACK_ENCODER_STREAM_ERROR",
    0x202: "QPACK_DECODER_STREAM_ERROR",
}


def transport(code: int) -> str:
    """A transport error's registered name; that of a TLS alert for a CRYPTO_ERROR."""
    if code < len(_TRANSPORT):
        return _TRANSPORT[code]
    if 0x100 <= code <= 0x1FF:
        return f"CRYPTO_ERROR ({alerts.name(code & 0xFF)})"
    return f"transport error 0x{code:X}"


def application(code: int, alpn: str | None) -> str:
    """An application error's name, which depends on the application."""
    if alpn is not None and (alpn == "h3" or alpn.startswith("h3-")) and code in _HTTP3:
        return _HTTP3[code]
    return f"{alpn or 'application'} error 0x{code:X}"
