"""Names of the codes of HTTP/2 and HTTP/3, from IANA's registries."""

from __future__ import annotations

H2_ERRORS = {
    0x0: "NO_ERROR",
    0x1: "PROTOCOL_ERROR",
    0x2: "INTERNAL_ERROR",
    0x3: "FLOW_CONTROL_ERROR",
    0x4: "SETTINGS_TIMEOUT",
    0x5: "STREAM_CLOSED",
    0x6: "FRAME_SIZE_ERROR",
    0x7: "REFUSED_STREAM",
    0x8: "CANCEL",
    0x9: "COMPRESSION_ERROR",
    0xA: "CONNECT_ERROR",
    0xB: "ENHANCE_YOUR_CALM",
    0xC: "INADEQUATE_SECURITY",
    0xD: "HTTP_1_1_REQUIRED",
}
"""RFC 9113 section 7."""

H2_SETTINGS = {
    0x1: "HEADER_TABLE_SIZE",
    0x2: "ENABLE_PUSH",
    0x3: "MAX_CONCURRENT_STREAMS",
    0x4: "INITIAL_WINDOW_SIZE",
    0x5: "MAX_FRAME_SIZE",
    0x6: "MAX_HEADER_LIST_SIZE",
    0x8: "ENABLE_CONNECT_PROTOCOL",
    0x9: "NO_RFC7540_PRIORITIES",
}
"""RFC 9113 section 6.5.2, RFC 8441 section 3, RFC 9218 section 2.1."""

H3_SETTINGS = {
    0x1: "QPACK_MAX_TABLE_CAPACITY",
    0x6: "MAX_FIELD_SECTION_SIZE",
    0x7: "QPACK_BLOCKED_STREAMS",
    0x8: "ENABLE_CONNECT_PROTOCOL",
    0x33: "H3_DATAGRAM",
}
"""RFC 9114 section 7.2.4.1, RFC 9204 section 5, RFC 9220 section 3, RFC 9297 section 2.1.1."""


def h2_error(code: int) -> str:
    """The name of an error code of RST_STREAM or GOAWAY; the number, if it is not registered."""
    return H2_ERRORS.get(code, f"0x{code:x}")


def settings(names: dict[int, str], pairs: list[tuple[int, int]]) -> str:
    """Settings as a sentence: the first ones, by name."""
    said = [f"{names.get(key, f'0x{key:x}')}={value}" for key, value in pairs[:12]]
    return ", ".join(said) + (f" and {len(pairs) - 12} more" if len(pairs) > 12 else "")
