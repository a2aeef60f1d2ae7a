"""`cleanup` counts what is old, and deletes it only when it is told to."""

from __future__ import annotations

import asyncio
import io
import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from aggregator.commands.arguments import UsageError
from aggregator.config.loading import PREFIX
from aggregator.config.options import Config, StorageConfig
from aggregator.db import tables as t
from aggregator.db.engine import Database, connect
from aggregator.db.migrations import DVO, OCP, migrate
from aggregator.db.reports import SqlReports
from aggregator.db.retention import Retention
from aggregator.db.workloads import SqlDvo
from aggregator.model import (
    ClusterId,
    Hit,
    Report,
    utc_now,
)
from testing.contract.sample_data import (
    BILLING,
    KEY,
    ORG,
    RULE,
    workloads,
)
from tests.databases import fresh_database
from tests.golden.test_rest import storage_section
from tests.program import command, complaints, in_process

run = in_process("cleanup")

BOTH = ("ocp_recommendations", "dvo_recommendations")
DAY = timedelta(days=1)


def config(ocp: StorageConfig, dvo: StorageConfig | None = None, *use: str) -> Config:
    default = Config()
    return replace(
        default,
        ocp_recommendations_storage=ocp,
        dvo_recommendations_storage=dvo or ocp,
        storage_backend=replace(default.storage_backend, use=use or BOTH),
    )


def sqlite(file: Path) -> StorageConfig:
    return StorageConfig(db_driver="sqlite3", sqlite_datasource=str(file))


async def fill(section: StorageConfig, ages: list[timedelta]) -> None:
    """Store a report with a hit, and workloads, of each age."""
    database = Database(connect(section))
    for chain in (OCP, DVO):
        await migrate(database.engine, chain, chain.latest)
    for number, age in enumerate(ages):
        at: datetime = utc_now() - age
        cluster = ClusterId(f"{number:08x}-0000-4000-8000-000000000000")
        report = Report(ORG, cluster, "{}", (Hit(RULE, KEY, "{}"),), at)
        await SqlReports(database, lambda at=at: at).store([report])  # type: ignore[misc]
        await SqlDvo(database).store([workloads(at, BILLING, cluster=cluster)])
    await database.close()


async def stored(section: StorageConfig) -> dict[str, int]:
    """Return how many reports and workloads there are."""
    database = Database(connect(section))
    counts = {}
    async with database.engine.connect() as conn:
        for table in (t.report, t.dvo_report):
            statement = sa.select(sa.func.count()).select_from(table)
            counts[table.name] = (await conn.execute(statement)).scalar_one()
    await database.close()
    return counts


@contextmanager
def filled(kind: str, folder: Path, ages: list[timedelta]) -> Iterator[StorageConfig]:
    """Give a database of this kind."""
    with asyncio.Runner() as runner:
        if kind == "sqlite":
            section = sqlite(folder / "a.db")
            runner.run(fill(section, ages))
            yield section
            return
        database = fresh_database()
        section = storage_section(sa.make_url(runner.run(database.__aenter__())))
        try:
            runner.run(fill(section, ages))
            yield section
        finally:
            runner.run(database.__aexit__(None, None, None))


AGES = [100 * DAY, 91 * DAY, 89 * DAY, 0 * DAY]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_old_rows_are_counted_first_and_deleted_on_demand(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with filled(kind, tmp_path, AGES) as section:
        wanted = config(section)
        assert run(wanted, ["--older-than", "90 days"]) == 0
        told = capsys.readouterr()
        assert "nothing is deleted without --apply" in told.err
        title, head, *rows = told.out.splitlines()
        assert title.startswith("before 20")
        assert head.split() == ["table", "rows", "to", "delete"]
        assert dict(row.split() for row in rows) == {
            "report": "2", "rule_hit": "2", "recommendation": "2", "report_info": "0",
            "cluster_rule_user_feedback": "0", "dvo_report": "2", "consumer_error": "0",
            "total": "8",
        }  # fmt: skip
        assert asyncio.run(stored(section)) == {"report": 4, "dvo_report": 4}
        assert run(wanted, ["--older-than", "90d", "--apply", "--chunk", "1", "--pause", "0"]) == 0
        told = capsys.readouterr()
        _, head, *rows = told.out.splitlines()
        assert head.split() == ["table", "rows", "deleted"]
        assert dict(row.split() for row in rows)["total"] == "8"
        assert told.err.startswith("database ")
        assert complaints(told.err) == []
        assert asyncio.run(stored(section)) == {"report": 2, "dvo_report": 2}


def test_programs_are_told_in_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with filled("sqlite", tmp_path, AGES) as section:
        before = utc_now() - 13 * timedelta(weeks=1)
        assert run(config(section), ["--older-than", "13w", "--json", "--apply"]) == 0
    told = json.loads(capsys.readouterr().out)
    moment = datetime.fromisoformat(told["before"]).replace(tzinfo=None)
    assert abs(moment - before) < timedelta(minutes=1)
    assert (told["applied"], told["interrupted"], told["rows"]) == (True, False, 8)
    assert told["tables"]["report"] == 2


@pytest.mark.parametrize(
    ("use", "left"),
    [
        ("ocp_recommendations", {"report": 2, "dvo_report": 4}),
        ("dvo_recommendations", {"report": 4, "dvo_report": 2}),
    ],
)
def test_only_the_storage_in_use_is_cleaned(use: str, left: dict[str, int], tmp_path: Path) -> None:
    with filled("sqlite", tmp_path, AGES) as section:
        assert run(config(section, None, use), ["--older-than", "90d", "--apply"]) == 0
        assert asyncio.run(stored(section)) == left


def test_storages_apart_are_cleaned_one_after_the_other(tmp_path: Path) -> None:
    sections = [sqlite(tmp_path / f"{name}.db") for name in "ab"]
    for section in sections:
        asyncio.run(fill(section, AGES))
    assert run(config(sections[0], sections[1]), ["--older-than", "90d", "--apply"]) == 0
    assert [asyncio.run(stored(section)) for section in sections] == [
        {"report": 2, "dvo_report": 4},
        {"report": 4, "dvo_report": 2},
    ]


def test_an_interrupted_run_tells_what_it_has_deleted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Retention.delete

    async def interrupted_after_one(*arguments: Any) -> Any:
        async for rows in whole(*arguments):
            signal.raise_signal(signal.SIGINT)
            yield rows

    monkeypatch.setattr(Retention, "delete", interrupted_after_one)
    with filled("sqlite", tmp_path, AGES) as section:
        arguments = ["--older-than", "90d", "--apply", "--chunk", "1", "--pause", "3600"]
        assert run(config(section), arguments) == 130
        told = capsys.readouterr()
        assert dict(row.split() for row in told.out.splitlines()[2:])["report"] == "1"
        assert "what is left is for the next run" in told.err
        assert asyncio.run(stored(section))["report"] == 3


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--older-than", "2 months"], "an age expected"),
        (["--older-than", "90"], "an age expected"),
        (["--older-than", "-1d"], "expected"),
        (["--older-than", "1.5 days"], "an age expected"),
        (["--older-than", "0d"], "everything is older than that"),
        (["--older-than", "9999999 weeks"], "nothing can be as old"),
        (["--older-than", "9999999999999 weeks"], "nothing can be as old"),
        (["--older-than", "1d", "--chunk", "0"], "at least 1"),
        (["--older-than", "1d", "--chunk", "some"], "a whole number expected"),
        (["--older-than", "1d", "--pause", "-1"], "expected"),
        (["--older-than", "1d", "--pause", "nan"], "seconds expected"),
    ],
)
def test_wrong_usage_is_told(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(Config(), arguments)
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(
    ("wanted", "complaint"),
    [
        (config(StorageConfig(), None, "other"), "storage_backend.use is 'other'"),
        (config(StorageConfig(type="redis")), "is no SQL storage"),
        (config(StorageConfig()), "in memory"),
    ],
)
def test_what_cannot_be_cleaned_is_one_line(
    wanted: Config, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(wanted, ["--older-than", "90d"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert complaint in told.err
    assert len(complaints(told.err)) == 1


def test_a_database_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    file = {f"{PREFIX}OCP_RECOMMENDATIONS_STORAGE__SQLITE_DATASOURCE": "/absent/a.db"}
    ended = command("cleanup", "--older-than", "90d", folder=tmp_path, env=file)
    assert (ended.returncode, ended.stdout) == (1, "")
    # a thread of the driver may complain behind it that the loop is closed already
    assert complaints(ended.stderr)[0].startswith("cleanup: database: unable to open database file")


def test_a_database_of_another_version_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with filled("sqlite", tmp_path, AGES) as section:
        asyncio.run(_downgrade(section))
        assert run(config(section), ["--older-than", "90d", "--apply"]) == 1
    assert "old DB migration version (current: 31, latest: 32)" in capsys.readouterr().err


async def _downgrade(section: StorageConfig) -> None:
    database = Database(connect(section))
    await migrate(database.engine, OCP, OCP.latest - 1)
    await database.close()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "--older-than AGE is needed"),
        (["--clusters", "a"], "--clusters needs --policy cleaner"),
        (["--policy", "cleaner", "--clusters", "a", "--older-than", "1d"], "exclude each other"),
        (["--policy", "cleaner", "--clusters", "a,b"], "'a,b' is no list of clusters"),
    ],
)
def test_options_that_do_not_go_together_are_refused(arguments: list[str], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        run(Config(), arguments)


async def rows_of_policy(section: StorageConfig) -> dict[str, int]:
    """Return the rows of the tables that the two policies treat differently."""
    engine = connect(section)
    async with engine.connect() as conn:
        counts = {
            table.name: (await conn.execute(sa.select(sa.func.count()).select_from(table))).scalar()
            for table in (t.report, t.rule_hit, t.recommendation, t.report_info, t.dvo_report)
        }
    await engine.dispose()
    return counts


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_policy_of_the_cleaner_is_by_table(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Contract storage 11: recommendations by their own age, report_info never."""
    with filled(kind, tmp_path, AGES) as section:
        asyncio.run(add_cleaner_rows(section))
        policy = ["--older-than", "90d", "--policy", "cleaner", "--json"]
        expected = {
            "rule_hit": 3, "report": 2, "consumer_error": 1, "recommendation": 1, "dvo_report": 2,
        }  # fmt: skip
        for arguments in (policy, [*policy, "--apply", "--chunk", "1", "--pause", "0"]):
            assert run(config(section), arguments) == 0
            assert json.loads(capsys.readouterr().out)["tables"] == expected
        assert asyncio.run(rows_of_policy(section)) == {
            "report": 2, "rule_hit": 2, "recommendation": 3, "report_info": 1, "dvo_report": 2,
        }  # fmt: skip


async def add_cleaner_rows(section: StorageConfig) -> None:
    """Store an orphan of each kind, one recommendation that is old, and an old invalid message."""
    engine, old = connect(section), utc_now() - 200 * DAY
    gone = {"org_id": 1, "cluster_id": "gone"}
    row = {"topic": "t", "partition": 0, "topic_offset": 0, "error": "e"}
    async with engine.begin() as conn:
        await conn.execute(
            sa.insert(t.rule_hit), gone | {"rule_fqdn": "r", "error_key": "K", "template_data": ""}
        )
        await conn.execute(sa.insert(t.report_info), gone | {"version_info": ""})
        await conn.execute(
            sa.insert(t.consumer_error), row | {"produced_at": old, "consumed_at": old}
        )
        first = sa.select(sa.func.min(t.recommendation.c.cluster_id)).scalar_subquery()
        await conn.execute(sa.update(t.recommendation).values(created_at=utc_now()))
        await conn.execute(
            sa.update(t.recommendation)
            .where(t.recommendation.c.cluster_id == first)
            .values(created_at=old)
        )
    await engine.dispose()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_listed_clusters_are_deleted_from_all_tables(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The cleaner drops a last line without a line feed, and never deletes DVO rows."""
    listed = tmp_path / "clusters.txt"
    listed.write_text(
        "no cluster\n\n" + "\n".join(f"{n:08x}-0000-4000-8000-{0:012d}" for n in (0, 3))
    )
    with filled(kind, tmp_path, AGES) as section:
        arguments = ["--policy", "cleaner", "--clusters", str(listed), "--apply", "--chunk", "1"]
        assert run(config(section), arguments) == 0
        printed = capsys.readouterr()
        assert complaints(printed.err) == ["no cluster: 'no cluster'"]
        assert [
            line.rsplit(maxsplit=1) for line in printed.out.splitlines()[1:] if line.strip()
        ] == [
            ["Proper cluster entries", "2"],
            ["Improper cluster entries", "1"],
            ["Deletions from table 'cluster_rule_toggle'", "0"],
            ["Deletions from table 'cluster_rule_user_feedback'", "0"],
            ["Deletions from table 'cluster_user_rule_disable_feedback'", "0"],
            ["Deletions from table 'rule_hit'", "2"],
            ["Deletions from table 'recommendation'", "2"],
            ["Deletions from table 'report_info'", "0"],
            ["Deletions from table 'report'", "2"],
            ["Deletions from table 'dvo_report'", "2"],
            ["Total deletions", "8"],
        ]
        assert asyncio.run(stored(section)) == {"report": 2, "dvo_report": 2}


@pytest.mark.parametrize(
    ("answer", "more", "status", "left"),
    [("n\n", [], 1, 4), ("", [], 1, 4), ("y\n", [], 0, 2), ("n\n", ["--yes"], 0, 2)],
)
def test_a_person_at_a_terminal_is_asked(
    answer: str,
    more: list[str],
    status: int,
    left: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    keyboard = io.StringIO(answer)
    with filled("sqlite", tmp_path, AGES) as section:
        monkeypatch.setattr(keyboard, "isatty", lambda: True)
        monkeypatch.setattr(sys, "stdin", keyboard)
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
        assert run(config(section), ["--older-than", "90d", "--apply", *more]) == status
        assert asyncio.run(stored(section))["report"] == left
    printed = capsys.readouterr().err
    assert ("delete 8 rows from this database? [y/N] " in printed) == (not more)
    assert ("not confirmed, so nothing was changed" in printed) == (status == 1)
