"""Invalid messages, in table consumer_error."""

from __future__ import annotations

import asyncio
import codecs
import logging
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ..model import ConsumerErrorRow
from .engine import Database
from .tables import consumer_error as table
from .upsert import insert

log = logging.getLogger(__name__)

# bytes decoded at once: a byte that is not UTF-8 takes as long as a thousand that are
PIECE = 32 * 1024
# rows of more bytes are converted in a thread
LIGHT = 64 * 1024


class SqlConsumerErrors:
    """Rows of invalid messages in an SQL table (departure 11)."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._put = insert(database.dialect, table).on_conflict_do_nothing()
        self._present = False
        self._warned = False

    async def put(self, rows: Sequence[ConsumerErrorRow]) -> None:
        """Insert the rows that do not exist yet; text that cannot be stored is escaped."""
        if not rows:
            return
        size = sum(len(row.value or b"") + len(row.key or b"") for row in rows)
        values = await asyncio.to_thread(_values, rows) if size > LIGHT else _values(rows)

        async def put(conn: AsyncConnection) -> None:
            if await self._has_table(conn):
                await conn.execute(self._put, values)

        await self._db.transaction(put)

    async def _has_table(self, conn: AsyncConnection) -> bool:
        """Return True if the table exists, which a database for DVO alone need not have."""
        if not self._present:
            self._present = await conn.run_sync(lambda sync: sa.inspect(sync).has_table(table.name))
        if not self._present and not self._warned:
            self._warned = True
            log.warning("no table %s: invalid messages leave no row", table.name)
        return self._present


def _values(rows: Sequence[ConsumerErrorRow]) -> list[dict[str, Any]]:
    return [_columns(row) for row in rows]


def _columns(row: ConsumerErrorRow) -> dict[str, Any]:
    return {
        "topic": row.topic,
        "partition": row.partition,
        "topic_offset": row.offset,
        "key": _storable(row.key),
        "produced_at": row.produced_at,
        "consumed_at": row.consumed_at,
        "message": _storable(row.value),
        "error": _storable(row.error.encode(errors="backslashreplace")),
    }


def _storable(raw: bytes | None) -> str | None:
    """Return the bytes as text; those that are not UTF-8, and NUL, as `\\xNN`."""
    if raw is None:
        return None
    decode = codecs.getincrementaldecoder("utf-8")("backslashreplace").decode
    pieces = [decode(raw[at : at + PIECE]) for at in range(0, len(raw), PIECE)]
    return "".join([*pieces, decode(b"", final=True)]).replace("\0", "\\x00")
