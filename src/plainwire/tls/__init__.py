"""TLS records to plain text and alerts, or the reason why not."""
