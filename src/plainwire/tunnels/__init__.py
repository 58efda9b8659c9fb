"""Protocols that TLS or HTTP begin inside of: proxies and upgrades in clear text."""
