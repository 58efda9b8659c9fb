"""QUIC (RFC 9000, RFC 9001, RFC 9369): datagrams in; streams, closes and reasons out."""
