"""The Huffman code of HPACK and QPACK (RFC 7541 section 5.2 and appendix B).

The code is canonical: codes of one length are consecutive numbers in the order of their symbols, and each
length continues where the shorter one ended. So the lengths are sufficient. Decoding uses a state machine
that takes a whole byte at a time; its transitions are computed on first use and kept.
"""

from __future__ import annotations

import functools

_LENGTHS = (
    "dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6ca"
    "d67777777777777777777777878djde6f56565666577666567655677777fbeds"
    "kmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmn"
    "qqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrq"
    "u"
)
"""The length in bits of each symbol's code, symbols 0 to 255 and then EOS, as one base-36 digit each."""

_EOS = 256
_MOST_PADDING = 7  # RFC 7541 section 5.2

_Tree = list["_Tree | int"]

SYMBOL_BITS = tuple(int(digit, 36) for digit in _LENGTHS[:_EOS])
"""The length of the code of each byte."""


def _tree() -> _Tree:
    """The code as a binary tree: an inner node is [after a 0, after a 1], a leaf is the symbol."""
    root: _Tree = []
    code, length = 0, 0
    for symbol in sorted(range(len(_LENGTHS)), key=lambda s: (int(_LENGTHS[s], 36), s)):
        code <<= int(_LENGTHS[symbol], 36) - length
        length = int(_LENGTHS[symbol], 36)
        _plant(root, code, length, symbol)
        code += 1
    return root


def _plant(node: _Tree, code: int, length: int, symbol: int) -> None:
    for shift in range(length - 1, 0, -1):
        if not node:
            node += [[], []]
        child = node[code >> shift & 1]
        if isinstance(child, list):
            node = child
    if not node:
        node += [[], []]
    node[code & 1] = symbol


class _Machine:
    """A state machine. States are inner nodes of the tree, numbered on first use; 0 is the root."""

    def __init__(self) -> None:
        root = _tree()
        self.nodes: list[_Tree] = [root]
        self.numbers = {id(root): 0}
        self.steps: dict[int, tuple[int, bytes] | None] = {}  # state * 256 + byte
        self.ends = {0}  # states in which a string may end: within a padding of ones
        node = root
        for _ in range(_MOST_PADDING):
            child = node[1]
            if isinstance(child, list):
                node = child
                self.ends.add(self._number(node))

    def _number(self, node: _Tree) -> int:
        number = self.numbers.get(id(node))
        if number is None:
            number = self.numbers[id(node)] = len(self.nodes)
            self.nodes.append(node)
        return number

    def learn(self, state: int, byte: int) -> tuple[int, bytes] | None:
        """Compute the next state and the symbols on the way; None if the string contains EOS."""
        node, out = self.nodes[state], bytearray()
        step: tuple[int, bytes] | None = None
        for shift in range(7, -1, -1):
            child = node[byte >> shift & 1]
            if isinstance(child, list):
                node = child
            elif child == _EOS:
                break
            else:
                out.append(child)
                node = self.nodes[0]
        else:
            step = self._number(node), bytes(out)
        self.steps[state << 8 | byte] = step
        return step


_machine = _Machine()


@functools.cache
def _codes() -> list[int]:
    """The code of each byte."""
    codes, code, length = [0] * (_EOS + 1), 0, 0
    for symbol in sorted(range(len(_LENGTHS)), key=lambda s: (int(_LENGTHS[s], 36), s)):
        code <<= int(_LENGTHS[symbol], 36) - length
        length = int(_LENGTHS[symbol], 36)
        codes[symbol] = code
        code += 1
    return codes


def encode(data: bytes) -> bytes:
    """Encode ``data``, padded with ones."""
    codes, value, size = _codes(), 0, 0
    for byte in data:
        value = value << SYMBOL_BITS[byte] | codes[byte]
        size += SYMBOL_BITS[byte]
    padding = -size % 8
    return (value << padding | (1 << padding) - 1).to_bytes((size + padding) // 8, "big")


def decode(data: bytes) -> bytes | None:
    """Decode ``data``; None if it contains EOS or ends with anything but a padding of ones."""
    known, parts, state = _machine.steps, [], 0
    for byte in data:
        key = state << 8 | byte
        step = known[key] if key in known else _machine.learn(state, byte)
        if step is None:
            return None
        state, part = step
        parts.append(part)
    return b"".join(parts) if state in _machine.ends else None
