"""Causes on the way to a connection and along its path: names, TCP, loss."""
