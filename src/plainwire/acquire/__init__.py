"""Secrets and events out of a running program, and what it takes to get them."""
