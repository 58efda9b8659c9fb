"""What may be spoken on a pair of byte streams, one layer a file; to them a channel is a ``StreamPair``."""
