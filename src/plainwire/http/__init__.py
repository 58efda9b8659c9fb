"""Plain text to HTTP/1.1 messages and exchanges, broken ones as they are."""
