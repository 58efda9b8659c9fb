"""One connection on its way through the rooms: TCP or QUIC below, layers of TLS and tunnels, HTTP above."""

from plainwire.conversation.conversation import Conversation
from plainwire.conversation.guarded import Guarded

__all__ = ["Conversation", "Guarded"]
