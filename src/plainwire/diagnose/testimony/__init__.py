"""The program's own words: read, held against the wire, or all that there is of a failure."""

from .matching import testify
from .sayings import read_messages
from .without_packet import without_packet
from .without_request import without_request

__all__ = ["read_messages", "testify", "without_packet", "without_request"]
