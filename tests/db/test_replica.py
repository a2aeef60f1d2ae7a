"""Reads on a replica: which errors send a read, or all of them, to the primary."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa

from aggregator.db import replica as module
from aggregator.db.replica import ReplicaReader

ONE = sa.text("SELECT 1")


class Server:
    """A driver that answers with its name, or with the errors it is given."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.errors: list[Exception] = []
        self.broken: Exception | None = None
        self.hangs = False
        self.answered = asyncio.Event()

    async def rows(self, _statement: sa.Executable, _values: Mapping[str, Any]) -> Sequence[Any]:
        if self.hangs:
            await asyncio.Event().wait()
        if self.errors:
            raise self.errors.pop(0)
        if self.broken is not None:
            raise self.broken
        self.answered.set()
        return [self.name]


def pair() -> tuple[Server, ReplicaReader]:
    replica: Any = Server("replica")
    primary: Any = Server("primary")
    return replica, ReplicaReader(replica, primary)


async def name(reader: ReplicaReader) -> str:
    rows = await reader.rows(ONE, {})
    return str(rows[0])


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError("refused"),
        asyncpg.CannotConnectNowError("the database system is starting up"),
        asyncpg.UndefinedColumnError("column does not exist: a migration is not replayed yet"),
        asyncpg.InsufficientPrivilegeError("permission denied"),
        TimeoutError(),
    ],
)
async def test_all_reads_go_to_the_primary_until_the_replica_answers(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    monkeypatch.setattr(module, "PROBE_SECONDS", 0)
    caplog.set_level(logging.WARNING)
    replica, reader = pair()
    assert await name(reader) == "replica"
    replica.answered.clear()
    replica.broken = error
    assert [await name(reader) for _ in range(3)] == ["primary"] * 3
    replica.broken = None
    await replica.answered.wait()
    await asyncio.sleep(0)
    assert await name(reader) == "replica"
    assert [record.message.partition(":")[0] for record in caplog.records] == [
        "the read replica is unavailable, reads go to the primary",
        "reads go to the read replica again",
    ]
    await reader.close()


async def test_a_replica_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.01)
    replica, reader = pair()
    replica.hangs = True
    assert await name(reader) == "primary"
    # the replica is tried in the background: this read does not wait for it
    monkeypatch.setattr(module, "ANSWER_SECONDS", 60)
    assert await name(reader) == "primary"
    await reader.close()


async def test_a_conflict_with_replication_sends_only_that_read_to_the_primary() -> None:
    replica, reader = pair()
    replica.errors = [asyncpg.SerializationError("canceling statement due to conflict")]
    assert [await name(reader), await name(reader)] == ["primary", "replica"]
    await reader.close()


async def test_an_error_of_the_values_is_raised() -> None:
    replica, reader = pair()
    replica.errors = [asyncpg.DataError("invalid byte sequence")]
    with pytest.raises(asyncpg.DataError):
        await name(reader)
    assert await name(reader) == "replica"
    await reader.close()
