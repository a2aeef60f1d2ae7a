"""Messages that were set aside, in a dictionary."""

from __future__ import annotations

from collections.abc import Sequence

from aggregator.model import Refusal


class MemoryRefusedMessages:
    """Refusals by topic, partition and offset; the first one of a place stays."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, int, int], Refusal] = {}

    async def put(self, refusals: Sequence[Refusal]) -> None:
        """Keep those that are not there yet."""
        for one in refusals:
            self.rows.setdefault((one.topic, one.partition, one.offset), one)
