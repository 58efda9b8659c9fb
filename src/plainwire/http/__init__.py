"""From plain text to HTTP messages and exchanges, malformed ones as they are."""
