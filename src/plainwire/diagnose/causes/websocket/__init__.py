"""Causes in WebSockets: how they were closed."""
