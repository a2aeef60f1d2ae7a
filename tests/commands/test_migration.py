"""Migrations from the command line: what is said, and the status."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from aggregator.config.loading import PREFIX
from tests.databases import fresh_database
from tests.program import (
    CONFIG,
    command,
    normalised,
    recorded,
    told,
)


@pytest.fixture
def sqlite(tmp_path: Path) -> dict[str, str]:
    """Return variables that put both storages into one SQLite file."""
    storages = ("OCP", "DVO")
    return {
        f"{PREFIX}{name}_RECOMMENDATIONS_STORAGE__SQLITE_DATASOURCE": str(tmp_path / "a.db")
        for name in storages
    }


async def test_migrations_say_what_the_reference_says(tmp_path: Path) -> None:
    async with fresh_database() as text:
        url = sa.make_url(text)
        env = dict(CONFIG)
        for storage in ("OCP", "DVO"):
            section = f"{PREFIX}{storage}_RECOMMENDATIONS_STORAGE__PG_"
            env |= {
                f"{section}HOST": str(url.host or url.query.get("host", "")),
                f"{section}PORT": str(url.port or 5432),
                f"{section}DB_NAME": url.database or "",
                f"{section}USERNAME": url.username or "",
                f"{section}PASSWORD": url.password or "",
            }
        # on the way it tells of each step, and it was recorded where there was no way to go
        command("migration", "latest", folder=tmp_path, env=env)
        for arguments, golden in (
            (["LATEST"], "migration_latest.txt"),
            ([], "migration.txt"),
            (["33"], "migration_33.txt"),
            (["abc"], "migration_abc.txt"),
            (["1", "2"], "migration_1_2.txt"),
        ):
            expected, status = recorded(golden)
            ended = command("migration", *arguments, folder=tmp_path, env=env)
            assert normalised(ended.stdout) == normalised(expected)
            assert (ended.returncode, ended.stderr) == (status, "")


def test_both_backends_are_migrated_where_both_are_used(
    tmp_path: Path, sqlite: dict[str, str]
) -> None:
    env = {**sqlite, f"{PREFIX}STORAGE_BACKEND__USE": "ocp_recommendations,dvo_recommendations"}
    ended = command("migrate", "max", folder=tmp_path, env=env)
    assert ended.returncode == 0
    versions = [text for text in told(ended) if text.startswith("Database version")]
    assert versions == ["Database version is now 32", "Database version is now 4"]
    ended = command("migrations", "0", folder=tmp_path, env=env)
    assert [text for text in told(ended) if "is now" in text] == ["Database version is now 0"] * 2


@pytest.mark.parametrize(
    ("key", "value", "status", "words"),
    [
        (
            "STORAGE_BACKEND__USE",
            "other",
            5,
            "storage backend does not support database migrations",
        ),
        ("OCP_RECOMMENDATIONS_STORAGE__TYPE", "noop", 5, "storage backend does not support"),
        ("OCP_RECOMMENDATIONS_STORAGE__SQLITE_DATASOURCE", "/absent/a.db", 2, "/absent/a.db"),
    ],
)
def test_a_failing_migration_has_the_status_of_its_reason(
    tmp_path: Path, sqlite: dict[str, str], key: str, value: str, status: int, words: str
) -> None:
    ended = command("migration", "latest", folder=tmp_path, env={**sqlite, PREFIX + key: value})
    assert (ended.returncode, ended.stderr) == (status, "")
    assert told(ended)[-1] == f"Service exited with non-zero code {status}"
    assert any(words in text for text in told(ended))


def test_a_migration_in_memory_warns_that_it_is_lost(tmp_path: Path) -> None:
    ended = command("migration", "latest", folder=tmp_path, env={})
    assert "the database is in memory, so nothing of this is kept" in told(ended)


def test_a_version_beyond_any_number_is_told(tmp_path: Path, sqlite: dict[str, str]) -> None:
    ended = command("migration", str(2**64), folder=tmp_path, env=sqlite)
    assert (ended.returncode, ended.stderr) == (5, "")
    assert f'strconv.ParseUint: parsing "{2**64}": value out of range' in told(ended)


def test_a_backend_without_tables_is_told_in_one_line(
    tmp_path: Path, sqlite: dict[str, str]
) -> None:
    env = {**sqlite, f"{PREFIX}STORAGE_BACKEND__USE": "other"}
    ended = command("migration", folder=tmp_path, env=env)
    assert "storage backend does not support database migrations" in told(ended)
    assert "Unable to perform migration" not in ended.stdout


STORAGE_OF_2020 = """
[broker]
address = "localhost:29092"
enabled = false
[server]
address = "127.0.0.1:0"
[storage]
db_driver = "sqlite3"
sqlite_datasource = "./aggregator.db"
"""


def test_what_the_one_storage_of_2020_makes_is_migrated_too(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(STORAGE_OF_2020)
    ended = command("migration", folder=tmp_path, env={})
    assert [text for text in told(ended) if text.startswith(("Current", "Maximum"))] == [
        "Current DB version: 0",
        "Maximum available version: 32",
        "Current DB version: 0",
        "Maximum available version: 4",
    ]
    assert '"schema":"DVO"' in ended.stdout.replace(" ", "")
    ended = command("migrate", "latest", folder=tmp_path, env={})
    versions = [text for text in told(ended) if text.startswith("Database version")]
    assert versions == ["Database version is now 32", "Database version is now 4"]
    # a number is a version of one schema: that of OCP, as in 2020
    ended = command("migrate", "11", folder=tmp_path, env={})
    versions = [text for text in told(ended) if text.startswith("Database version")]
    assert versions == ["Database version is now 11"]


@pytest.mark.parametrize(
    ("use", "expected"),
    [
        ("ocp_recommendations", ["Database version is now 32"]),
        ("dvo_recommendations", ["Database version is now 4"]),
    ],
)
def test_a_backend_that_is_named_is_the_only_one(
    tmp_path: Path, sqlite: dict[str, str], use: str, expected: list[str]
) -> None:
    env = {**sqlite, f"{PREFIX}STORAGE_BACKEND__USE": use}
    ended = command("migration", "latest", folder=tmp_path, env=env)
    assert [text for text in told(ended) if text.startswith("Database version")] == expected


@pytest.mark.parametrize(
    ("use", "missing", "latest"),
    [("dvo_recommendations", "ocp", 32), ("ocp_recommendations", "dvo", 4)],
)
def test_an_old_schema_is_named_with_the_command_that_helps(
    tmp_path: Path, sqlite: dict[str, str], use: str, missing: str, latest: int
) -> None:
    variable = f"{PREFIX}STORAGE_BACKEND__USE"
    command("migration", "latest", folder=tmp_path, env={**sqlite, variable: use})
    ended = command("start-service", folder=tmp_path, env=sqlite)
    assert ended.returncode == 2
    text = f"{missing.upper()} schema: old DB migration version (current: 0, latest: {latest}); "
    help_text = f"{variable}={missing}_recommendations insights-results-aggregator migration latest"
    assert f"{text}run {help_text}" in told(ended)


def test_a_schema_of_a_newer_service_is_named(tmp_path: Path, sqlite: dict[str, str]) -> None:
    command("migration", "latest", folder=tmp_path, env=sqlite)
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute("UPDATE dvo_migration_info SET version = 5")
        connection.commit()
    ended = command("start-service", folder=tmp_path, env=sqlite)
    assert ended.returncode == 2
    text = "DVO schema: old DB migration version (current: 5, latest: 4); "
    assert f"{text}a newer service has migrated it" in told(ended)
