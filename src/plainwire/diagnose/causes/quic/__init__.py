"""Causes in QUIC."""
