"""Invalid messages, in a dictionary."""

from __future__ import annotations

from collections.abc import Sequence

from aggregator.model import ConsumerErrorRow


class MemoryConsumerErrors:
    """Rows by topic, partition and offset; the first one of a key stays."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, int, int], ConsumerErrorRow] = {}

    async def put(self, rows: Sequence[ConsumerErrorRow]) -> None:
        """Keep those that do not exist yet."""
        for one in rows:
            self.rows.setdefault((one.topic, one.partition, one.offset), one)
