"""One connection on its way through the rooms: TCP or QUIC below, layers of TLS and tunnels, HTTP above."""

from plainwire.conversation.conversation import Conversation

__all__ = ["Conversation"]
