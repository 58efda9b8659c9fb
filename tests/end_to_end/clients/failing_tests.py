"""Tests that fail on the network, for pytest and unittest: the server is the one of ``misbehaving``."""

import http.client
import os
import ssl
import unittest
from urllib.parse import urlsplit


def get(path: str) -> int:
    parts = urlsplit(os.environ["SERVER"])
    context = ssl.create_default_context(cafile=os.environ["AUTHORITY"])
    connection = http.client.HTTPSConnection(parts.netloc, timeout=30, context=context)
    connection.request("GET", path)
    response = connection.getresponse()
    response.read()
    return response.status


class Things(unittest.TestCase):
    def test_good(self) -> None:
        assert get("/ok") == 200

    def test_closed(self) -> None:
        get("/close")

    def test_cut(self) -> None:
        get("/half-close")


if __name__ == "__main__":
    unittest.main()
