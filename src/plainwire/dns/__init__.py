"""Datagrams of name servers to questions and what became of them (RFC 1035)."""
