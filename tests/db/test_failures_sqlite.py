"""Errors of SQLite and of encoding values: only what a record can cause is the record's fault."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from aggregator.db.engine import Database, open_url
from aggregator.db.failures import translated
from aggregator.db.ratings import SqlRatings
from aggregator.errors import RecordRejected, Unavailable
from aggregator.model import ErrorKey, OrgId, RuleId
from tests.db.stores import migrated_store
from tests.db.writes import writes


@pytest.fixture(scope="module", params=["postgresql", "sqlite file"])
def location(request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the URL of a migrated database of each kind."""
    with migrated_store(request.param) as url:
        yield url


@pytest.fixture(scope="module")
def sqlite() -> Iterator[str]:
    """Give the URL of a migrated file."""
    with migrated_store("sqlite file") as url:
        yield url


SQLITE = {
    sqlite3.SQLITE_CONSTRAINT_CHECK: RecordRejected,
    sqlite3.SQLITE_CONSTRAINT_UNIQUE: RecordRejected,
    sqlite3.SQLITE_CONSTRAINT_TRIGGER: RecordRejected,
    sqlite3.SQLITE_TOOBIG: RecordRejected,
    sqlite3.SQLITE_MISMATCH: RecordRejected,
    sqlite3.SQLITE_ERROR: Unavailable,
    sqlite3.SQLITE_PERM: Unavailable,
    sqlite3.SQLITE_BUSY: Unavailable,
    sqlite3.SQLITE_BUSY_SNAPSHOT: Unavailable,
    sqlite3.SQLITE_LOCKED: Unavailable,
    sqlite3.SQLITE_NOMEM: Unavailable,
    sqlite3.SQLITE_READONLY_DBMOVED: Unavailable,
    sqlite3.SQLITE_IOERR_WRITE: Unavailable,
    sqlite3.SQLITE_CORRUPT: Unavailable,
    sqlite3.SQLITE_FULL: Unavailable,
    sqlite3.SQLITE_CANTOPEN: Unavailable,
    sqlite3.SQLITE_SCHEMA: Unavailable,
    sqlite3.SQLITE_MISUSE: Unavailable,
    sqlite3.SQLITE_NOTADB: Unavailable,
}


@pytest.mark.parametrize(("code", "meaning"), SQLITE.items())
def test_result_codes_of_sqlite(code: int, meaning: type[Exception]) -> None:
    error = sqlite3.OperationalError("said by SQLite")
    error.sqlite_errorcode = code
    for raised in (error, sa.exc.DatabaseError("INSERT", {}, error)):
        with pytest.raises(meaning, match="said by SQLite"), translated():
            raise raised


@pytest.mark.parametrize(
    ("change", "back", "reason"),
    [
        (
            "ALTER TABLE report RENAME last_checked_at TO other",
            "ALTER TABLE report RENAME other TO last_checked_at",
            "no such column",
        ),
        ("ALTER TABLE report RENAME TO r", "ALTER TABLE r RENAME TO report", "no such table"),
        ("BEGIN IMMEDIATE", "ROLLBACK", "locked"),
    ],
)
async def test_faults_of_a_sqlite_file_are_unavailable(
    sqlite: str, change: str, back: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aggregator.db.sqlite._BUSY_WAIT_SECONDS", 0.05)
    file = Path(sa.make_url(sqlite).database or "")
    with closing(sqlite3.connect(file, isolation_level=None)) as operator:
        operator.execute("DELETE FROM report")
        operator.execute(change)
        database = Database(open_url(sqlite))
        with pytest.raises(Unavailable, match=reason):
            await writes(database)["reports"]()
        operator.execute(back)
        assert await writes(database)["reports"]() == [True]
        await database.close()


async def test_values_that_cannot_be_stored_reject_the_record(location: str) -> None:
    on_postgresql = location.startswith("postgresql")
    database = Database(open_url(location))
    too_long = "".join(map(chr, range(0x100, 0x8000)))
    numbers = [2**70, 2**31 if on_postgresql else 2**63]
    values: list[tuple[str, int]] = [("\ud800", 1), *(("r", number) for number in numbers)]
    if on_postgresql:
        # SQLite stores both
        values += [("\x00", 1), (too_long, 1)]
    for rule, number in values:
        with pytest.raises(RecordRejected):
            await SqlRatings(database).put(OrgId(1), RuleId(rule), ErrorKey("K"), number)
    await SqlRatings(database).put(OrgId(1), RuleId("r"), ErrorKey("K"), 1)
    await database.close()
