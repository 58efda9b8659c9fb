"""Causes in the client: what it did with its connections, its requests and its time."""
