"""Causes in HTTP/2 and HTTP/3: streams, GOAWAY, flow control."""
