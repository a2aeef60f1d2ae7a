"""What consumer_error keeps of an invalid message."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from typing import Any

import pytest
import sqlalchemy as sa

from aggregator.db import consumer_errors
from aggregator.db.consumer_errors import SqlConsumerErrors
from aggregator.db.engine import Database, open_url
from aggregator.db.migrations import DVO, OCP, migrate
from aggregator.db.tables import consumer_error
from testing.contract.consumer_errors import ROW
from tests.databases import fresh_database


async def _rows(database: Database) -> Sequence[sa.Row[Any]]:
    async with database.engine.connect() as conn:
        return (await conn.execute(sa.select(consumer_error))).all()


async def _database(url: str = "sqlite+aiosqlite:///:memory:") -> Database:
    database = Database(open_url(url))
    await migrate(database.engine, OCP, OCP.latest)
    return database


async def _check_what_is_kept(database: Database) -> None:
    raw = dataclasses.replace(
        ROW, key=b"k\0", value=b"\xff ok \0 \xc3\xa9", error="bad \0 text \udc80"
    )
    again = dataclasses.replace(raw, error="the second time")
    empty = dataclasses.replace(ROW, offset=7, key=None, value=None)
    errors = SqlConsumerErrors(database)
    await errors.put([raw, again])
    await errors.put([again, empty])
    rows = {row.topic_offset: row for row in await _rows(database)}
    assert sorted(rows) == [7, 2**40]
    row = rows[2**40]
    assert (row.topic, row.partition, row.key) == ("topic", 1, "k\\x00")
    assert (row.produced_at, row.consumed_at) == (ROW.produced_at, ROW.consumed_at)
    assert row.message == "\\xff ok \\x00 é"
    assert row.error == "bad \\x00 text \\udc80"
    assert (rows[7].key, rows[7].message) == (None, None)


async def test_sqlite_keeps_the_first_row_with_its_text_escaped() -> None:
    database = await _database()
    await _check_what_is_kept(database)
    await database.close()


async def test_postgresql_keeps_the_first_row_with_its_text_escaped() -> None:
    async with fresh_database() as url:
        database = await _database(url)
        await _check_what_is_kept(database)
        await database.close()


async def test_without_the_table_a_warning_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    database = Database(open_url("sqlite+aiosqlite:///:memory:"))
    await migrate(database.engine, DVO, DVO.latest)
    errors = SqlConsumerErrors(database)
    with caplog.at_level(logging.WARNING, consumer_errors.__name__):
        await errors.put([ROW])
        await errors.put([ROW])
    await migrate(database.engine, OCP, OCP.latest)
    await errors.put([ROW])
    rows = await _rows(database)
    await database.close()
    assert len(rows) == 1
    warnings = [each for each in caplog.records if each.name == consumer_errors.__name__]
    assert [each.getMessage() for each in warnings] == [
        "no table consumer_error: invalid messages leave no row"
    ]
