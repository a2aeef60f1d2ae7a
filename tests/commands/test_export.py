"""`export` writes whole files of one snapshot, and only rows that were asked for."""

from __future__ import annotations

import asyncio
import csv
import json
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from aggregator.commands.arguments import UsageError
from aggregator.config.options import Config, StorageConfig
from aggregator.db import export as db_export
from aggregator.db import tables as t
from aggregator.db.engine import connect
from aggregator.db.migrations import DVO, OCP, migrate
from aggregator.export import places
from tests.databases import fresh_database
from tests.golden.test_rest import storage_section
from tests.program import complaints, in_process

run = in_process("export")

OLD, NEW = datetime(2021, 1, 1), datetime(2026, 3, 1, 10, 0, 0, 250_000)
MINE, OTHER = 11789772, 4242
TABLES = {*(table.name for table in t.metadata.tables.values()), "migration_info"}
TABLES |= {"dvo_migration_info"}
REPORT = '{"quoted": "a, \\"b\\"\\nc", "text": "\u010de\u0161tina"}'


def rows_of(organization: int, at: datetime) -> dict[sa.Table, dict[str, Any]]:
    """Return one row of an organization for each table."""
    cluster = f"{organization:08d}-0000-4000-8000-{at.year:012d}"
    org, rule = str(organization), {"rule_fqdn": "r.report", "error_key": "K"}
    votes = {
        "cluster_id": cluster, "rule_id": "r", "user_id": org, "message": "", "added_at": at,
        "updated_at": at, "error_key": "K", "org_id": org,
    }  # fmt: skip
    hit = {"org_id": organization, "cluster_id": cluster, **rule, "created_at": at}
    return {
        t.report: {
            "org_id": organization, "cluster": cluster, "report": REPORT, "reported_at": at,
            "last_checked_at": at,
        },
        t.rule_hit: {**hit, "template_data": "{}"},
        t.recommendation: {**hit, "rule_id": "r|K"},
        t.report_info: {"org_id": organization, "cluster_id": cluster, "version_info": "4.9"},
        t.consumer_error: {
            "topic": "t", "partition": at.year, "topic_offset": organization, "produced_at": at,
            "consumed_at": at, "message": json.dumps({"OrgID": organization}), "error": "e",
        },
        t.cluster_rule_toggle: {
            "cluster_id": cluster, "rule_id": "r", "disabled": 1, "updated_at": at,
            "error_key": "K", "org_id": org,
        },
        t.cluster_rule_user_feedback: {**votes, "user_vote": 1},
        t.cluster_user_rule_disable_feedback: votes,
        t.rule_disable: {
            "org_id": org, "rule_id": f"r{at.year}", "error_key": "K", "created_at": at,
        },
        t.advisor_ratings: {
            "org_id": org, "rule_fqdn": f"r{at.year}", "error_key": "K", "last_updated_at": at,
        },
        t.dvo_report: {
            "org_id": organization, "cluster_id": cluster, "namespace_id": "n", "report": REPORT,
            "recommendations": 1, "objects": 2, "reported_at": at, "last_checked_at": at,
            "rule_hits_count": {"r": 1},
        },
    }  # fmt: skip


async def fill(section: StorageConfig) -> None:
    """Store a row of two organizations and two times in each table, and one of nobody."""
    engine = connect(section)
    for chain in (OCP, DVO):
        await migrate(engine, chain, chain.latest)
    async with engine.begin() as connection:
        for organization in (MINE, OTHER):
            for at in (OLD, NEW):
                for table, values in rows_of(organization, at).items():
                    await connection.execute(sa.insert(table), values)
        nobody = rows_of(0, NEW)[t.consumer_error] | {"message": "no JSON", "partition": 0}
        await connection.execute(sa.insert(t.consumer_error), nobody)
    await engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def config(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Config]:
    """Give the configuration of a database of each kind with rows in all tables."""
    with asyncio.Runner() as runner:
        if request.param == "sqlite":
            section = StorageConfig(db_driver="sqlite3", sqlite_datasource=f"{tmp_path}/a.db")
            runner.run(fill(section))
            yield both(section)
            return
        database = fresh_database()
        section = storage_section(sa.make_url(runner.run(database.__aenter__())))
        try:
            runner.run(fill(section))
            yield both(section)
        finally:
            runner.run(database.__aexit__(None, None, None))


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Config:
    """Return the configuration of a SQLite file with rows in all tables."""
    section = StorageConfig(db_driver="sqlite3", sqlite_datasource=f"{tmp_path}/a.db")
    asyncio.run(fill(section))
    return both(section)


def both(section: StorageConfig) -> Config:
    return replace(
        Config(), ocp_recommendations_storage=section, dvo_recommendations_storage=section
    )


def read_csv(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines))


def manifest(folder: Path) -> Any:
    return json.loads((folder / "_export.json").read_text())


def test_every_table_of_both_schemas_is_a_whole_file(
    config: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "out"
    assert run(config, [str(folder), "--json"]) == 0
    printed = capsys.readouterr()
    assert printed.err.splitlines()[-1] == f"export to {folder}"
    assert {file.name for file in folder.iterdir()} == {f"{name}.csv" for name in TABLES} | {
        "_export.json"
    }
    assert json.loads(printed.out) == manifest(folder)
    assert manifest(folder)["complete"] is True
    rows = {name: len(read_csv(folder / f"{name}.csv")) for name in TABLES}
    assert rows == {name: done["rows"] for name, done in manifest(folder)["tables"].items()}
    assert {name: number for name, number in rows.items() if number != 4} == {
        "consumer_error": 5, "migration_info": 1, "dvo_migration_info": 1,
    }  # fmt: skip
    stored = {row["cluster"]: row for row in read_csv(folder / "report.csv")}
    report = stored["11789772-0000-4000-8000-000000002026"]
    assert report["report"] == REPORT
    assert (report["reported_at"], report["gathered_at"]) == ("2026-03-01T10:00:00.250000Z", "")
    (version,) = read_csv(folder / "migration_info.csv")
    assert version == {"version": str(OCP.latest)}


def test_no_row_of_another_organization_is_in_any_table(
    config: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = tmp_path / "organizations.csv"
    listed.write_text(f"OrgID\n{MINE}\n")
    for number, organizations in enumerate((str(listed), f"{MINE},7")):
        folder = tmp_path / str(number)
        assert run(config, [str(folder), "--organizations", organizations]) == 0
        assert "1 invalid messages name no organization" in capsys.readouterr().err
        for name in TABLES:
            text = (folder / f"{name}.csv").read_text()
            assert str(OTHER) not in text
            assert "no JSON" not in text
            if "migration_info" not in name:
                assert len(read_csv(folder / f"{name}.csv")) == 2, name


def test_only_rows_since_a_time_and_of_the_tables_named(config: Config, tmp_path: Path) -> None:
    arguments = [str(tmp_path / "out"), "--since", "2026-01-01", "--format", "jsonl"]
    names = sorted(TABLES - {"migration_info", "dvo_migration_info", "consumer_error"})
    assert run(config, [*arguments, "--tables", ",".join(names)]) == 0
    assert set(manifest(tmp_path / "out")["tables"]) == set(names)
    for name in names:
        lines = (tmp_path / "out" / f"{name}.jsonl").read_text().splitlines()
        assert len(lines) == 2, name
    workloads = json.loads((tmp_path / "out" / "dvo_report.jsonl").read_text().splitlines()[0])
    assert workloads["rule_hits_count"] == {"r": 1}
    assert workloads["namespace_name"] is None
    assert workloads["reported_at"] == "2026-03-01T10:00:00.250000Z"


def test_parquet_has_typed_columns(config: Config, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    assert run(config, [str(tmp_path / "out"), "--format", "parquet"]) == 0
    report = parquet.read_table(tmp_path / "out" / "report.parquet")
    types = {name: str(report.schema.field(name).type) for name in report.column_names}
    assert types["org_id"] == "int32"
    assert types["kafka_offset"] == "int64"
    assert types["reported_at"] == "timestamp[us, tz=UTC]"
    assert set(report["report"].to_pylist()) == {REPORT}
    assert {at.replace(tzinfo=None) for at in report["reported_at"].to_pylist()} == {OLD, NEW}
    dvo = parquet.read_table(tmp_path / "out" / "dvo_report.parquet")
    assert set(dvo["rule_hits_count"].to_pylist()) == {'{"r": 1}'}


def test_the_layout_of_the_go_exporter_has_its_files_and_values(
    config: Config, tmp_path: Path
) -> None:
    """Contract storage 12: seconds in times, 0 for numbers that are NULL, metadata files."""
    folder = tmp_path / "out"
    assert run(config, [str(folder), "--layout", "exporter"]) == 0
    own = {file.name for file in folder.iterdir() if file.name.startswith("_")}
    assert own == {
        "_tables.csv", "_metadata.csv", "_disabled_rules.csv", "_logs.txt", "_export.json",
    }  # fmt: skip
    assert (folder / "_tables.csv").read_text().splitlines() == ["Table name", *sorted(TABLES)]
    assert "report,4\n" in (folder / "_metadata.csv").read_text()
    assert (folder / "_metadata.csv").read_text().startswith("Table name,Records\n")
    assert (folder / "_disabled_rules.csv").read_text() == "Rule,Count\nr2021,2\nr2026,2\n"
    assert len((folder / "_logs.txt").read_text().splitlines()) == len(TABLES)
    ratings = read_csv(folder / "advisor_ratings.csv")
    assert {row["rating"] for row in ratings} == {"0"}
    assert {row["last_updated_at"] for row in ratings} == {
        "2021-01-01T00:00:00Z", "2026-03-01T10:00:00Z",
    }  # fmt: skip


async def test_writers_are_not_blocked_and_not_seen(config: Config) -> None:
    """All tables are of the moment at which the first one is read."""
    section = config.ocp_recommendations_storage
    database, writer = db_export.Database(connect(section)), connect(section)
    report, hit = db_export.Exported("report", t.report), db_export.Exported("hit", t.rule_hit)
    async with db_export.snapshot(database) as snapshot:
        assert await snapshot.count(report, db_export.Filter()) == 4
        async with writer.begin() as connection:
            await connection.execute(sa.delete(t.rule_hit))
        rows = [row async for chunk in snapshot.rows(hit, db_export.Filter()) for row in chunk]
    assert len(rows) == 4
    async with db_export.snapshot(database) as snapshot:
        assert await snapshot.count(hit, db_export.Filter()) == 0
    await database.close()
    await writer.dispose()


def interrupt_at(monkeypatch: pytest.MonkeyPatch, table: str) -> None:
    """Let Ctrl-C come while this table is written."""
    whole = db_export.Snapshot.rows

    async def interrupted(self: Any, exported: Any, chosen: Any) -> Any:
        async for chunk in whole(self, exported, chosen):
            yield chunk
            if exported.name == table:
                signal.raise_signal(signal.SIGINT)
                # the loop sees the signal when it is waited for something
                while True:
                    await asyncio.sleep(0)
                    yield []

    monkeypatch.setattr(db_export.Snapshot, "rows", interrupted)


def test_an_interrupted_export_leaves_no_half_file_and_is_resumed(
    on_sqlite: Config,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "out"
    with pytest.MonkeyPatch.context() as monkeypatch:
        interrupt_at(monkeypatch, "report")
        assert run(on_sqlite, [str(folder)]) == 130
    assert "--resume continues" in capsys.readouterr().err
    files = {file.name for file in folder.iterdir()}
    done = manifest(folder)
    assert done["complete"] is False
    assert files == {"_export.json", *(table["file"] for table in done["tables"].values())}
    assert "report.csv" not in files
    assert "advisor_ratings.csv" in files
    kept = (folder / "advisor_ratings.csv").stat().st_mtime_ns
    assert run(on_sqlite, [str(folder), "--resume", "--since", "2026-01-01"]) == 1
    assert "begun with another value of since" in capsys.readouterr().err
    assert run(on_sqlite, [str(folder), "--resume"]) == 0
    assert manifest(folder)["complete"] is True
    assert set(manifest(folder)["tables"]) == TABLES
    assert (folder / "advisor_ratings.csv").stat().st_mtime_ns == kept


def test_a_full_disk_leaves_no_half_file_and_names_it(on_sqlite: Config, tmp_path: Path) -> None:
    """The limit of a file's size fails as a full disk does, in the middle of a write."""
    folder = tmp_path / "out"
    asyncio.run(add_large_reports(on_sqlite))
    file = on_sqlite.ocp_recommendations_storage.sqlite_datasource
    code = (
        "import resource, sys\n"
        "from aggregator.__main__ import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    prefix = "INSIGHTS_RESULTS_AGGREGATOR__OCP_RECOMMENDATIONS_STORAGE__"
    ended = subprocess.run(
        [sys.executable, "-c", code, "export", str(folder), "--tables", "report,report_info"],
        # the limit also holds for the interpreter's cache of compiled modules
        env={f"{prefix}SQLITE_DATASOURCE": file, "PATH": "", "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 1
    assert complaints(ended.stderr)[-1] == f"export: '{folder}/report.csv': File too large"
    assert not [one for one in folder.iterdir() if one.name.startswith(("report.", ".report."))]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 1_000_000


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Give moto's server and a client of its bucket `exports`."""
    server_module = pytest.importorskip("moto.server")
    boto3 = pytest.importorskip("boto3")
    for name, value in {
        "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    server.url = f"http://{host}:{port}"
    server.client = boto3.client("s3", endpoint_url=server.url)
    server.client.create_bucket(Bucket="exports")
    yield server
    server.client.close()
    server.stop()


def keys(server: Any, prefix: str) -> set[str]:
    """Return the keys under the prefix; all servers of a process share their buckets."""
    answer = server.client.list_objects_v2(Bucket="exports", Prefix=prefix)
    listed = answer.get("Contents", [])
    return {one["Key"] for one in listed}


def test_an_export_to_s3_is_uploaded_in_parts(
    on_sqlite: Config, tmp_path: Path, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the smallest part that S3 takes, but for the last one
    monkeypatch.setattr(places, "PART_BYTES", 5 * 1024 * 1024)
    asyncio.run(add_large_reports(on_sqlite))
    target = ["s3://exports/some/prefix/", "--endpoint-url", s3.url]
    assert run(on_sqlite, [*target, "--layout", "exporter"]) == 0
    assert run(on_sqlite, [str(tmp_path / "out"), "--layout", "exporter"]) == 0
    files = {file.name: file.read_bytes() for file in (tmp_path / "out").iterdir()}
    assert keys(s3, "some/") == {f"some/prefix/{name}" for name in files}
    found = s3.client.get_object(Bucket="exports", Key="some/prefix/report.csv")
    assert found["Body"].read() == files["report.csv"]
    assert found["ETag"].endswith('-3"')
    assert found["ContentType"] == "text/csv"


async def add_large_reports(config: Config) -> None:
    engine = connect(config.ocp_recommendations_storage)
    async with engine.begin() as connection:
        for number in range(120):
            row = {"org_id": 1, "cluster": f"large {number}", "report": "x" * 100_000}
            await connection.execute(sa.insert(t.report), row)
    await engine.dispose()


def test_a_lost_s3_leaves_no_object_under_a_final_name(
    on_sqlite: Config, s3: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(places, "PART_BYTES", 5 * 1024 * 1024)
    asyncio.run(add_large_reports(on_sqlite))
    send = places._Upload._send

    def lost_after_the_first_part(upload: Any, part: bytes) -> None:
        send(upload, part)
        s3.stop()

    monkeypatch.setattr(places._Upload, "_send", lost_after_the_first_part)
    target = ["s3://exports/lost", "--endpoint-url", s3.url]
    assert run(on_sqlite, [*target, "--tables", "report"]) == 1
    (complaint,) = complaints(capsys.readouterr().err)[1:]
    assert complaint.startswith("export: s3://exports/lost/report.csv: Could not connect")
    s3.start()
    host, port = s3.get_host_and_port()
    s3.client = __import__("boto3").client("s3", endpoint_url=f"http://{host}:{port}")
    assert keys(s3, "lost/") == set()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--tables", "report,reprot"], "--tables: invalid choice: 'reprot' (choose from advisor_"),
        (["--organizations", "no/such/file"], "neither a list of numbers nor a readable file"),
        (["--organizations", "4294967296"], "an organization expected, not '4294967296'"),
        (["--layout", "exporter", "--format", "jsonl"], "excludes --format"),
        (["--endpoint-url", "http://localhost"], "needs a target s3://"),
    ],
)
def test_wrong_usage_is_told(
    arguments: list[str], complaint: str, on_sqlite: Config, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as raised:
        run(on_sqlite, [str(tmp_path / "out"), *arguments])
    assert complaint in str(raised.value)
    assert not (tmp_path / "out").exists()
