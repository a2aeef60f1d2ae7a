"""`db-status` shows what is in a database, and what it lacks."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from aggregator.config.options import StorageConfig
from aggregator.db import status
from aggregator.db.engine import connect
from tests.commands.test_cleanup import AGES, config, filled
from tests.program import complaints, in_process

run = in_process("db-status")


async def drop_index(section: StorageConfig) -> None:
    engine = connect(section)
    async with engine.begin() as connection:
        await connection.execute(sa.text("DROP INDEX recommendation_cluster_id_idx"))
    await engine.dispose()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_tables_versions_and_missing_indexes_are_shown(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "MANY_ROWS", 5)
    with filled(kind, tmp_path, AGES) as section:
        assert run(config(section), ["--json"]) == 0
        (document,) = json.loads(capsys.readouterr().out)
        assert document["schema_versions"] == {"ocp": "32", "dvo": "4"}
        assert document["missing_indexes"] == []
        tables = {table["name"]: table for table in document["tables"]}
        assert len(tables) == 11
        assert [tables[name]["rows"] for name in ("report", "dvo_report", "report_info")] == [
            4,
            4,
            0,
        ]
        assert tables["report"]["oldest"] < tables["report"]["oldest"].replace("20", "21", 1)
        assert document["size"] > 8192
        if kind == "postgresql":
            assert tables["report"]["size"] > 8192
            assert {"server_version", "shared_buffers", "max_wal_size"} <= set(document["settings"])
        else:
            assert document["settings"]["journal_mode"] == "wal"
        asyncio.run(drop_index(section))
        assert run(config(section), []) == 0
        printed = capsys.readouterr()
        assert "missing index: recommendation_cluster_id_idx on recommendation\n" in printed.out
        assert "advice: create the missing indexes: migration latest\n" in printed.out
        assert complaints(printed.err) == []


def test_settings_are_compared_with_the_size() -> None:
    found = status.DatabaseStatus(
        tables=[status.TableStatus("report", 1_000_000, 1, 0, None)],
        settings={
            "autovacuum": "off", "max_connections": "8", "wal_compression": "off",
            "max_wal_size": "1GB", "shared_buffers": "128MB",
        },
    )  # fmt: skip
    advice = list(status._advice(found, connections=16))
    assert [line.split()[0] for line in advice] == [
        "autovacuum", "max_connections", "wal_compression", "max_wal_size", "shared_buffers",
    ]  # fmt: skip
    found.tables = []
    assert len(list(status._advice(found, connections=16))) == 2
