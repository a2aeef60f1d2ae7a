"""Errors of the database: only what a record can cause is the record's fault."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa

from aggregator.db.engine import Database, open_url
from aggregator.db.reports import SqlReports
from aggregator.errors import RecordRejected, Unavailable
from aggregator.ingest.batch import BatchWriter
from aggregator.model import ClusterId, OrgId, Report
from tests.db.stores import migrated_store
from tests.db.writes import CLUSTER, writes

# one of each class, and those that were seen; a trigger can raise all but the successful ones
STATES = [
    "03000",
    "08000",
    "08006",
    "09000",
    "0A000",
    "0B000",
    "0F000",
    "0L000",
    "0P000",
    "0Z000",
    "20000",
    "21000",
    "24000",
    "25000",
    "25006",
    "26000",
    "27000",
    "28000",
    "2B000",
    "2D000",
    "2F000",
    "34000",
    "38000",
    "39000",
    "3B000",
    "3D000",
    "3F000",
    "40001",
    "40P01",
    "42000",
    "42501",
    "42703",
    "42883",
    "42P01",
    "42P05",
    "44000",
    "53000",
    "53100",
    "53200",
    "53300",
    "55000",
    "55P03",
    "57000",
    "57014",
    "57P01",
    "57P03",
    "58000",
    "58030",
    "72000",
    "F0000",
    "HV000",
    "P0001",
    "P0004",
    "XX000",
    "XX001",
    "XX002",
    "ZZ999",
]
OF_RECORD = [
    "22000",
    "22003",
    "22007",
    "22021",
    "22P02",
    "22P05",
    "23000",
    "23502",
    "23505",
    "23514",
    "23P01",
    "54000",
    "54001",
]
RAISING = """
CREATE TABLE raised (state text);
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE wanted text := (SELECT state FROM raised);
BEGIN
    IF wanted IS NOT NULL THEN RAISE EXCEPTION 'raised' USING ERRCODE = wanted; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER fail_report BEFORE INSERT OR UPDATE ON report
    FOR EACH ROW EXECUTE FUNCTION fail();
CREATE TRIGGER fail_dvo BEFORE INSERT OR UPDATE ON dvo.dvo_report
    FOR EACH ROW EXECUTE FUNCTION fail();
CREATE TRIGGER fail_rating BEFORE INSERT OR UPDATE ON advisor_ratings
    FOR EACH ROW EXECUTE FUNCTION fail();
"""


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    """Give the URL of a migrated database whose triggers raise what table `raised` says."""
    with migrated_store("postgresql") as url:
        yield url


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[tuple[Database, asyncpg.Connection]]:
    """Give a database and a connection of an operator."""
    database = Database(open_url(url, pool_size=2))
    dsn = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    operator = await asyncpg.connect(dsn)
    try:
        yield database, operator
    finally:
        await operator.close()
        await database.close()


async def outcomes(database: Database) -> dict[str, type[BaseException] | None]:
    """Return what each write raises."""
    found: dict[str, type[BaseException] | None] = {}
    for name, write in writes(database).items():
        try:
            await write()
        except (RecordRejected, Unavailable) as error:
            found[name] = type(error)
        else:
            found[name] = None
    return found


async def test_only_classes_of_the_record_reject_it(postgresql: str) -> None:
    async with opened(postgresql) as (database, operator):
        await operator.execute(RAISING)
        await operator.execute("INSERT INTO raised VALUES ('')")
        wrong = {}
        for state in (*STATES, *OF_RECORD):
            await operator.fetch("UPDATE raised SET state = $1", state)
            wanted = RecordRejected if state in OF_RECORD else Unavailable
            found = await outcomes(database)
            if set(found.values()) != {wanted}:
                wrong[state] = found
        await operator.execute("DELETE FROM raised")
        assert wrong == {}
        assert set((await outcomes(database)).values()) == {None}


async def test_revoked_permissions_are_unavailable(postgresql: str) -> None:
    async with opened(postgresql) as (_, operator):
        name = "reader_" + sa.make_url(postgresql).database[-12:]  # type: ignore[index]
        await operator.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'x'")
        try:
            await operator.execute(
                f"GRANT USAGE ON SCHEMA public, dvo TO {name};"
                f"GRANT SELECT ON ALL TABLES IN SCHEMA public, dvo TO {name}"
            )
            reader = sa.make_url(postgresql).set(username=name, password="x")
            database = Database(open_url(reader))
            try:
                with pytest.raises(Unavailable, match=r"permission denied.*42501"):
                    await writes(database)["reports"]()
                assert set((await outcomes(database)).values()) == {Unavailable}
            finally:
                await database.close()
        finally:
            await operator.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")


@pytest.mark.parametrize(
    ("change", "back"),
    [
        (
            "ALTER TABLE {} RENAME last_checked_at TO other",
            "ALTER TABLE {} RENAME other TO last_checked_at",
        ),
        ("ALTER TABLE {} SET SCHEMA away", "ALTER TABLE away.{bare} SET SCHEMA {schema}"),
        ("ALTER TABLE {} ADD COLUMN new integer NOT NULL", "ALTER TABLE {} DROP COLUMN new"),
    ],
)
async def test_changed_schema(postgresql: str, change: str, back: str) -> None:
    """A column or table that is missing is unavailable; a NOT NULL violation is class 23."""
    tables = {"reports": "public.report", "workloads": "dvo.dvo_report"}
    async with opened(postgresql) as (database, operator):
        await operator.execute("CREATE SCHEMA IF NOT EXISTS away")
        for kind, table in tables.items():
            schema, bare = table.split(".")
            await operator.execute(f"TRUNCATE {table} CASCADE")
            await operator.execute(change.format(table))
            found = await outcomes(database)
            await operator.execute(back.format(table, schema=schema, bare=bare))
            wanted = RecordRejected if "NOT NULL" in change else Unavailable
            assert found[kind] is wanted
            assert (await outcomes(database))[kind] is None


@pytest.mark.parametrize("setting", ["statement_timeout", "lock_timeout"])
async def test_timeouts_of_the_server_are_unavailable(postgresql: str, setting: str) -> None:
    async with opened(postgresql) as (database, operator):
        async with database.engine.begin() as conn:
            name = sa.make_url(postgresql).database
            await conn.execute(sa.text(f"ALTER DATABASE {name} SET {setting} = '50ms'"))
        other = Database(open_url(postgresql))
        async with operator.transaction():
            await operator.execute("LOCK TABLE report, dvo.dvo_report, advisor_ratings")
            assert set((await outcomes(other)).values()) == {Unavailable}
        await operator.execute(f"ALTER DATABASE {name} RESET {setting}")
        assert set((await outcomes(other)).values()) == {None}
        await other.close()


async def test_deadlock_is_retried_at_once(postgresql: str) -> None:
    async with opened(postgresql) as (database, _):
        failures = iter(["40P01", "40001"])

        async def work(conn: Any) -> str:
            for state in failures:
                code = f"DO $$ BEGIN RAISE EXCEPTION 'once' USING ERRCODE = '{state}'; END $$"
                await conn.exec_driver_sql(code)
            return "done"

        with pytest.raises(Unavailable, match="40001"):
            await database.transaction(work)
        assert await database.transaction(work) == "done"


async def test_plan_invalidated_by_ddl_is_prepared_again(postgresql: str) -> None:
    """Reads and writes go on while a column that they return changes its type."""
    async with opened(postgresql) as (database, operator):
        await operator.execute("TRUNCATE report CASCADE")
        reports = SqlReports(database)
        for length in ("varchar(64)", "text", "varchar"):
            await writes(database)["reports"]()
            assert await reports.count() == 1
            before = await reports.read_many(OrgId(1), [CLUSTER])
            await operator.execute(f"ALTER TABLE report ALTER COLUMN cluster TYPE {length}")
            await writes(database)["reports"]()
            assert await reports.read_many(OrgId(1), [CLUSTER]) == before
        # rows have attributes after the driver has prepared the statement again, too
        text = sa.text("SELECT state FROM shape")
        await operator.execute("CREATE TABLE shape (state integer); INSERT INTO shape VALUES (1)")
        assert (await database.rows(text))[0].state == 1
        await operator.execute("ALTER TABLE shape ALTER COLUMN state TYPE text")
        assert (await database.rows(text))[0].state == "1"
        await operator.execute("DROP TABLE shape")


class OneAttempt:
    """A retrier that lets errors pass."""

    async def retry_until_available(self, work: Any, _dependency: str) -> Any:
        return await work()


async def test_bisecting_rejects_no_record_for_a_fault_of_the_database(postgresql: str) -> None:
    async with opened(postgresql) as (database, operator):
        await operator.execute("TRUNCATE report CASCADE")
        await operator.execute("ALTER TABLE rule_hit RENAME TO hidden")
        now = datetime(2026, 1, 1)
        reports = [Report(OrgId(1), ClusterId(str(at)), "{}", (), now) for at in range(5)]
        reports[3] = Report(OrgId(1), ClusterId("\x00"), "{}", (), now)
        retrier: Any = OneAttempt()
        writer = BatchWriter(SqlReports(database).store, retrier)
        with pytest.raises(Unavailable):
            await writer._bisect(reports)
        await operator.execute("ALTER TABLE hidden RENAME TO rule_hit")
        answers = await writer._bisect(reports)
        assert [type(one) for one in answers] == [bool, bool, bool, RecordRejected, bool]
