"""What others ask of a running recorder: ``plainwire trigger``, ``plainwire snapshot``.

One message a question and one an answer, JSON, over a socket in the recorder's folder that only its owner
can reach; who asks is told by the kernel.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from plainwire import sudo
from plainwire.model import UserError
from plainwire.recorder import home

if TYPE_CHECKING:
    from pathlib import Path

    from plainwire.folder import Folder

_LONGEST = 4096
_MOST_WORDS = 200
_WAITING = 16
_NONE_THERE = (FileNotFoundError, ConnectionRefusedError, NotADirectoryError)


class Question(Struct):
    """``since``: seconds to look back for a case at once; 0: keep what is around now."""

    because: str = ""
    since: float = 0.0


class Reply(Struct):
    """The answer. ``case``: the folder that was made; ``error``: why none was, or will be."""

    case: str = ""
    says: str = ""
    error: str = ""


class Control:
    """The socket, listening. ``asked`` has those who wait for an answer, by descriptor."""

    def __init__(self, place: Folder) -> None:
        self._place = place
        self._asked: dict[int, socket.socket] = {}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(home.CONTROL, dir_fd=place.descriptor)
        mask = os.umask(0o177)
        try:
            self._socket.bind(_address(place.descriptor))
        finally:
            os.umask(mask)
        if sudo.caller() is not None:
            os.chown(home.CONTROL, sudo.owner(), -1, dir_fd=place.descriptor, follow_symlinks=False)
        self._socket.listen(_WAITING)

    @property
    def descriptor(self) -> int:
        """Readable when somebody asks."""
        return self._socket.fileno()

    def take(self) -> tuple[int, Question] | None:
        """The next question, by whom; None where there is none."""
        try:
            asker, _ = self._socket.accept()
        except OSError:
            return None
        asker.settimeout(1.0)
        try:
            question = msgspec.json.decode(asker.recv(_LONGEST), type=Question) if _may_ask(asker) else None
        except (OSError, msgspec.MsgspecError):
            question = None
        if question is None:
            asker.close()
            return None
        question.because = "".join(c for c in question.because if c.isprintable())[:_MOST_WORDS]
        self._asked[asker.fileno()] = asker
        return asker.fileno(), question

    def answer(self, asker: int, told: Reply) -> None:
        """Answer, once; whoever has gone meanwhile is no trouble."""
        to = self._asked.pop(asker, None)
        if to is not None:
            with contextlib.suppress(OSError):
                to.send(msgspec.json.encode(told))
            to.close()

    def close(self) -> None:
        """Nobody is answered any more."""
        for each in list(self._asked):
            self.answer(each, Reply(error="the recorder has ended"))
        self._socket.close()
        with contextlib.suppress(OSError):
            os.unlink(home.CONTROL, dir_fd=self._place.descriptor)


def _may_ask(asker: socket.socket) -> bool:
    """Who it is, the kernel says (unix(7))."""
    _, uid, _ = struct.unpack("iII", asker.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return uid in (0, os.geteuid(), sudo.owner())


def _address(folder: int) -> str:
    """By the descriptor of its folder: a name of any length does (unix(7): 108 bytes)."""
    return f"/proc/self/fd/{folder}/{home.CONTROL}"


def ask(folder: Path, question: Question, seconds: float) -> Reply | None:
    """Ask the recorder that is at work in a folder; None where none is.

    Raises:
        UserError: there is no such folder, or the answer does not come within ``seconds``.

    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        message = f"{folder}: {error.strerror}"
        raise UserError(message) from error
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asking:
        try:
            asking.settimeout(seconds)
            asking.connect(_address(descriptor))
            asking.send(msgspec.json.encode(question))
            data = asking.recv(_LONGEST)
        except _NONE_THERE:
            return None
        except (ConnectionResetError, BrokenPipeError):  # what was asked was not read
            data = b""
        except OSError as error:
            message = f"{folder}: the recorder does not answer ({error.strerror or 'it takes too long'})"
            raise UserError(message) from error
        finally:
            os.close(descriptor)
    if not data:
        message = f"{folder}: the recorder does not answer: it belongs to another user"
        raise UserError(message)
    return msgspec.json.decode(data, type=Reply)
