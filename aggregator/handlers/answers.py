"""Memory of answers: the pieces of a long answer, counted until they are sent."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import Unavailable

# most bytes of answers in memory
ANSWERS = 128 * 1024 * 1024
# an answer up to this size is one write; a longer one is written in pieces of about this size
PIECE = 64 * 1024


@dataclass(slots=True)
class Answers:
    """Counts bytes of answers in memory over all requests of the process."""

    most: int = ANSWERS
    held: int = 0


class Answer:
    """One answer, which is complete before its first byte is sent.

    So an error while it is built gets a status of its own, and no client reads half an answer.
    """

    __slots__ = ("_answers", "_digest", "_held", "_last", "_pieces", "size")

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._pieces: deque[bytes] = deque()
        self._last = bytearray()
        self._digest = hashlib.sha1(usedforsecurity=False)
        self._held = self.size = 0

    def add(self, part: bytes) -> None:
        """Add bytes; raise Unavailable when all answers together take too much memory."""
        if self._answers.held + len(part) > self._answers.most:
            raise Unavailable("answers take all the memory they may have")
        self._answers.held += len(part)
        self._held += len(part)
        self.size += len(part)
        self._last += part
        if len(self._last) >= PIECE:
            self._cut()

    @property
    def is_short(self) -> bool:
        """Return True if the answer is one write."""
        return not self._pieces and len(self._last) <= PIECE

    def whole(self) -> bytes:
        """Return a short answer."""
        return bytes(self._last)

    def etag(self) -> str:
        """Return the entity tag of a long answer, as Tornado computes it for a short one."""
        self._cut()
        return f'"{self._digest.hexdigest()}"'

    def pieces(self) -> Iterator[bytes]:
        """Yield the pieces of a long answer; each one is freed when the next one is asked for."""
        while self._pieces:
            piece = self._pieces.popleft()
            yield piece
            self._answers.held -= len(piece)
            self._held -= len(piece)

    def all_pieces(self) -> Iterator[bytes]:
        """Yield the pieces of an answer of any size."""
        self._cut()
        return self.pieces()

    def release(self) -> None:
        """Free what is left."""
        self._answers.held -= self._held
        self._held = 0
        self._pieces.clear()
        self._last = bytearray()

    def _cut(self) -> None:
        """End the last piece; pieces of a long part have about the size of the others."""
        for start in range(0, len(self._last), PIECE):
            piece = bytes(self._last[start : start + PIECE])
            self._digest.update(piece)
            self._pieces.append(piece)
        self._last = bytearray()
