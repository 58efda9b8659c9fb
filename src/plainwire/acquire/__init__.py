"""Gets secrets and events out of a running program."""
