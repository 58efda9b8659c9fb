"""The program's own words: read, held against the wire, or all that there is of a failure."""

from .matching import testify
from .own_errors import own_errors
from .proxy_variables import name_proxies
from .sayings import read_messages
from .without_packet import without_packet
from .without_request import without_request

__all__ = ["name_proxies", "own_errors", "read_messages", "testify", "without_packet", "without_request"]
