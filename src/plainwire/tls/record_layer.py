"""The record layer's content types and sizes (RFC 8446 section 5.1, RFC 5246 section 6.2)."""

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION, HEARTBEAT = 20, 21, 22, 23, 24
SSLV2_HELLO = 0x80
"""Not a content type: stands for a ClientHello in SSL 2.0's form, which has its own header."""

LONGEST_RECORD = 16384 + 2048
HEADER_SIZE = 5
