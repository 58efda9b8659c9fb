"""QUIC (RFC 9000, RFC 9001, RFC 9369): takes datagrams; gives streams, closes and reasons."""
