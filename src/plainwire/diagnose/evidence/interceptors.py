"""Products that open TLS on its way, told by the name under which they issue certificates."""

from __future__ import annotations

import re

_PRODUCTS = {
    r"\bmitmproxy\b": "mitmproxy",
    r"\bCharles Proxy\b": "Charles Proxy",
    r"\bFiddler": "Fiddler",
    r"\bPortSwigger\b": "Burp Suite",
    r"\bZscaler\b": "Zscaler",
    r"\b(goskope|Netskope)\b": "Netskope",
    r"\b(Fortinet|FortiGate)\b": "FortiGate",
    r"\bCisco Umbrella\b": "Cisco Umbrella",
    r"\bCloudflare\b.*\bGateway CA\b|\bGateway CA\b.*\bCloudflare\b": "Cloudflare Gateway",
    r"\bPalo Alto\b": "Palo Alto Networks",
    r"\bSophos\b": "Sophos",
    r"\bKaspersky\b": "Kaspersky",
    r"\bESET SSL Filter\b": "ESET",
    r"\b(Avast|AVG)\b.*\bShield\b": "Avast",
    r"\bBitdefender\b": "Bitdefender",
}
"""Patterns for the issuer, and what the product is called."""


def interceptor(issuer: str) -> str:
    """The product that issues certificates by this name (RFC 4514); "" where none is known."""
    return next((name for pattern, name in _PRODUCTS.items() if re.search(pattern, issuer)), "")
