"""Facts of one connection. Everything here answers a question; nothing judges."""
