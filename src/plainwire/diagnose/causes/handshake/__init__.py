"""Causes in TLS: handshakes, certificates, records."""
