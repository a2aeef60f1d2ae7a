"""What a consumer calls to trace its batches; nothing is traced unless it is configured."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from .batch import Outcome


class Traces(Protocol):
    """Spans of the batches of a consumer, in the order in which they are stored."""

    def storing(self, outcomes: Sequence[Outcome]) -> AbstractContextManager[None]:
        """Store a batch in this block."""

    def settling(self) -> AbstractContextManager[None]:
        """Send dead letters and statuses and commit in this block, for the oldest batch."""

    def abandon(self) -> None:
        """End the spans of batches that are not settled."""


class NoTraces:
    """Traces nothing."""

    def storing(self, _outcomes: Sequence[Outcome]) -> AbstractContextManager[None]:
        """Do nothing."""
        return nullcontext()

    def settling(self) -> AbstractContextManager[None]:
        """Do nothing."""
        return nullcontext()

    def abandon(self) -> None:
        """Do nothing."""
