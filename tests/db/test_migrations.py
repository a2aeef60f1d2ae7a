"""The schema that each step of the chains leaves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from aggregator.db import migrations, tables
from aggregator.db.migrations import (
    DVO,
    OCP,
    Chain,
    current,
    extras,
    migrate,
)
from tests.db import catalog
from tests.db.stores import KINDS, open_store

CHAINS = pytest.mark.parametrize("chain", [OCP, DVO], ids=lambda chain: chain.name)

# ours at the latest version of OCP: line of the Go service -> ours, or what we add
EXTRA_INDEXES = {
    "report": {
        "report_org_id_reported_at_idx": "org_id, reported_at) INCLUDE (cluster",
    },
    "recommendation": {
        "recommendation_cluster_id_idx": "cluster_id",
        "recommendation_org_id_rule_id_idx": "org_id, rule_id",
    },
    "cluster_rule_toggle": {"cluster_rule_toggle_org_id_disabled_idx": "org_id, disabled"},
    "cluster_user_rule_disable_feedback": {
        "cluster_user_rule_disable_feedback_user_id_idx": "user_id"
    },
    "consumer_error": {"consumer_error_consumed_at_idx": "consumed_at"},
}


def with_extras(schema: catalog.Schema) -> catalog.Schema:
    """Return the Go service's latest schema with what we add."""
    wider = schema["consumer_error"].index("3 topic_offset int4 NN")
    found = {name: list(lines) for name, lines in schema.items()}
    found["consumer_error"][wider] = "3 topic_offset int8 NN"
    for table, indexes in EXTRA_INDEXES.items():
        found[table] += [
            f"I CREATE INDEX {name} ON public.{table} USING btree ({columns})"
            for name, columns in indexes.items()
        ]
        head = [line for line in found[table] if not line.startswith("I ")]
        found[table] = head + sorted(line for line in found[table] if line.startswith("I "))
    return found


def after_downgrade(version: int, schema: catalog.Schema) -> catalog.Schema:
    """Return the Go service's schema of the version when it was reached from above.

    The user ids that steps down bring back are the last column and have a default; rule_error_key
    has one foreign key instead of two equal ones, and its primary key the other of its two names.
    """
    found = {name: list(lines) for name, lines in schema.items()}
    # table, version that drops the column, number of the column after it came back
    for table, dropped, number in [
        ("advisor_ratings", 31, 9),
        ("rule_disable", 30, 8),
        ("cluster_rule_toggle", 29, 11),
    ]:
        if version < dropped and table in found:
            rest = [line for line in found[table] if " user_id varchar" not in line]
            last = max(i for i, line in enumerate(rest) if line[0].isdigit())
            rest.insert(last + 1, f"{number} user_id varchar NN D '-1'::character varying")
            found[table] = rest
    if "rule_error_key" in found:
        old, new = ("_pkey", "_pkey1") if version < 6 else ("_pkey1", "_pkey")
        found["rule_error_key"] = [
            line.replace(f"rule_error_key{old}", f"rule_error_key{new}")
            for line in found["rule_error_key"]
            if "rule_error_key_rule_module_fkey1" not in line
        ]
    return found


async def read_schema(engine: AsyncEngine, chain: Chain) -> catalog.Schema:
    async with engine.connect() as connection:
        return await connection.run_sync(catalog.read, chain.schema)


@CHAINS
async def test_each_step_up_and_down_leaves_the_schema_of_the_reference(
    chain: Chain, tmp_path: Path
) -> None:
    golden = catalog.golden(chain.name)
    async with open_store("postgresql", tmp_path) as engine:
        for version in range(chain.latest + 1):
            await migrate(engine, chain, version)
            expected = golden[version]
            if chain is OCP and version == chain.latest:
                expected = with_extras(expected)
            assert await read_schema(engine, chain) == expected, version
            assert await current(engine, chain) == version
        for version in range(chain.latest - 1, -1, -1):
            await migrate(engine, chain, version)
            expected = after_downgrade(version, golden[version])
            assert await read_schema(engine, chain) == expected, version
            assert await current(engine, chain) == version


@CHAINS
async def test_all_steps_at_once_give_the_schema_of_today_even_twice(
    chain: Chain, tmp_path: Path
) -> None:
    latest = catalog.golden(chain.name)[chain.latest]
    expected = with_extras(latest) if chain is OCP else latest
    async with open_store("postgresql", tmp_path) as engine:
        await migrate(engine, chain, chain.latest)
        assert await read_schema(engine, chain) == expected
        await migrate(engine, chain, 0)
        assert list(await read_schema(engine, chain)) == ["migration_info"]
        await migrate(engine, chain, chain.latest)
        await migrate(engine, chain, chain.latest)
        numberless = {name: unnumbered(lines) for name, lines in expected.items()}
        found = await read_schema(engine, chain)
        assert {name: unnumbered(lines) for name, lines in found.items()} == numberless


def unnumbered(lines: list[str]) -> list[str]:
    """Return the lines without the numbers of columns, which count dropped ones too."""
    return [line.split(" ", 1)[1] if line[0].isdigit() else line for line in lines]


async def test_the_tables_in_the_code_are_the_migrated_ones(tmp_path: Path) -> None:
    async with (
        open_store("postgresql", tmp_path) as migrated,
        open_store("postgresql", tmp_path) as created,
    ):
        async with created.begin() as connection:
            await connection.execute(sa.schema.CreateSchema("dvo"))
            await connection.run_sync(tables.metadata.create_all)
        for chain in (OCP, DVO):
            await migrate(migrated, chain, chain.latest)
            expected = await read_schema(migrated, chain)
            del expected["migration_info"]
            found = await read_schema(created, chain)
            assert found.keys() == expected.keys()
            for name, lines in found.items():
                assert unnumbered(lines) == unnumbered(expected[name])


def sqlite_schema(conn: sa.Connection) -> dict[str, object]:
    """Return columns, keys and indexes of each table, types by how SQLite stores them."""
    inspector = sa.inspect(conn)
    return {
        name: {
            "columns": [
                (c["name"], c["type"]._type_affinity, c["nullable"], c["default"])
                for c in inspector.get_columns(name)
            ],
            "key": inspector.get_pk_constraint(name)["constrained_columns"],
            "foreign": [
                (key["constrained_columns"], key["referred_table"], key["options"])
                for key in inspector.get_foreign_keys(name)
            ],
            "unique": [key["column_names"] for key in inspector.get_unique_constraints(name)],
            "checks": [check["sqltext"] for check in inspector.get_check_constraints(name)],
            "indexes": sorted(
                (str(index["name"]), index["column_names"]) for index in inspector.get_indexes(name)
            ),
        }
        for name in inspector.get_table_names()
        if not name.endswith("migration_info")
    }


@pytest.mark.parametrize("kind", KINDS[1:])
async def test_sqlite_gets_the_tables_in_the_code_step_by_step_and_twice(
    kind: str, tmp_path: Path
) -> None:
    async with (
        open_store(kind, tmp_path) as migrated,
        open_store("sqlite in memory", tmp_path) as created,
    ):
        async with created.begin() as connection:
            await connection.run_sync(tables.metadata.create_all)
            expected = await connection.run_sync(sqlite_schema)
        for chain in (OCP, DVO, OCP, DVO):
            for version in (*range(chain.latest, -1, -1), *range(chain.latest + 1)):
                await migrate(migrated, chain, version)
                assert await current(migrated, chain) == version
        async with migrated.connect() as connection:
            assert await connection.run_sync(sqlite_schema) == expected
            assert not (await connection.exec_driver_sql("PRAGMA foreign_key_check")).all()


async def test_what_the_reference_migrated_gets_the_extras_too(tmp_path: Path) -> None:
    async with open_store("postgresql", tmp_path) as engine:
        await migrate(engine, OCP, 32)
        async with engine.begin() as connection:
            await connection.run_sync(extras.remove)
        assert await read_schema(engine, OCP) == catalog.golden("ocp")[32]
        await migrate(engine, OCP, 32)
        assert await read_schema(engine, OCP) == with_extras(catalog.golden("ocp")[32])


async def test_room_on_pages_comes_and_goes_with_the_latest_version(tmp_path: Path) -> None:
    async with open_store("postgresql", tmp_path) as engine:

        async def told() -> dict[str, list[str]]:
            statement = "SELECT relname, reloptions FROM pg_class WHERE reloptions IS NOT NULL"
            async with engine.connect() as connection:
                rows = await connection.exec_driver_sql(statement)
                return {name: options for name, options in rows if not name.startswith("pg_")}

        await migrate(engine, OCP, OCP.latest)
        assert await told() == {"recommendation": ["fillfactor=80"], "rule_hit": ["fillfactor=90"]}
        await migrate(engine, OCP, OCP.latest - 1)
        assert await told() == {}


@CHAINS
def test_the_chain_names_every_step_there_is(chain: Chain) -> None:
    folder = Path(migrations.__file__).parent / chain.name
    names = sorted(path.stem for path in folder.glob("m*.py"))
    assert list(chain.steps) == names
    assert [name[:5] for name in names] == [f"m{n:04}" for n in range(1, chain.latest + 1)]
    assert (OCP.latest, DVO.latest) == (32, 4)


def test_steps_are_not_imported_before_they_are_needed() -> None:
    code = "import sys, aggregator.db.migrations as m; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "aggregator.db.migrations.chain" in run.stdout
    assert "m0001" not in run.stdout
