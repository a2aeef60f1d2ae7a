"""Messages that were set aside, in table consumer_error."""

from __future__ import annotations

import asyncio
import codecs
import logging
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ..model import Refusal
from .engine import Database
from .tables import consumer_error as table
from .upsert import insert

log = logging.getLogger(__name__)

# so much is decoded at once: each byte that is not UTF-8 takes as long as a thousand that are
PIECE = 32 * 1024
# rows with more than that are made in a thread
LIGHT = 64 * 1024


class SqlRefusedMessages:
    """Refused messages in an SQL table (departure 11)."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._put = insert(database.dialect, table).on_conflict_do_nothing()
        self._present = False
        self._warned = False

    async def put(self, refusals: Sequence[Refusal]) -> None:
        """Insert the rows that are not there yet; text that cannot be stored is escaped."""
        if not refusals:
            return
        size = sum(len(refusal.value or b"") + len(refusal.key or b"") for refusal in refusals)
        rows = await asyncio.to_thread(_rows, refusals) if size > LIGHT else _rows(refusals)

        async def put(conn: AsyncConnection) -> None:
            if await self._has_table(conn):
                await conn.execute(self._put, rows)

        await self._db.transaction(put)

    async def _has_table(self, conn: AsyncConnection) -> bool:
        """Look for the table until it is found: a database for DVO alone need not have it."""
        if not self._present:
            self._present = await conn.run_sync(lambda sync: sa.inspect(sync).has_table(table.name))
        if not self._present and not self._warned:
            self._warned = True
            log.warning("no table %s: refused messages leave no row", table.name)
        return self._present


def _rows(refusals: Sequence[Refusal]) -> list[dict[str, Any]]:
    return [_row(refusal) for refusal in refusals]


def _row(refusal: Refusal) -> dict[str, Any]:
    return {
        "topic": refusal.topic,
        "partition": refusal.partition,
        "topic_offset": refusal.offset,
        "key": _storable(refusal.key),
        "produced_at": refusal.produced_at,
        "consumed_at": refusal.consumed_at,
        "message": _storable(refusal.value),
        "error": _storable(refusal.error.encode(errors="backslashreplace")),
    }


def _storable(raw: bytes | None) -> str | None:
    """Return the bytes as text; those that are not UTF-8, and NUL, as `\\xNN`."""
    if raw is None:
        return None
    decode = codecs.getincrementaldecoder("utf-8")("backslashreplace").decode
    pieces = [decode(raw[at : at + PIECE]) for at in range(0, len(raw), PIECE)]
    return "".join([*pieces, decode(b"", final=True)]).replace("\0", "\\x00")
