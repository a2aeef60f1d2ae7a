"""Every measurement works: its smallest run, whose numbers say nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.databases import postgres_server_url
from tests.services import require

ROOT = Path(__file__).parents[2]
SMALL = {
    "startup": ("--rounds", "1"),
    "rest": ("--clusters", "300", "--seconds", "1", "--rounds", "1", "--only", "report,vote"),
    "ingest": ("--clusters", "6000", "--rounds", "1", "--sqlite"),
    "during_ingest": ("--clusters", "300", "--messages", "500", "--seconds", "1"),
    "scale": (
        *("--clusters", "1500", "--small-clusters", "500", "--listed", "50", "--sample", "300"),
        *("--messages", "8000", "--seconds", "1", "--rounds", "1"),
    ),
    "memory": ("--clusters", "300", "--requests", "200", "--messages", "200", "--rounds", "2"),
    "hostile": ("--seconds", "2", "--calm", "0", "--only", "complete heads,aborted,empty"),
}
WITH_KAFKA = ("ingest", "during_ingest", "scale", "memory", "hostile")


def run(name: str, folder: Path) -> Any:
    server = sa.make_url(postgres_server_url())
    if server.host is None:
        pytest.skip("the measurements need PostgreSQL on a port: TEST_POSTGRES_URL names one")
    place = server.set(drivername="postgresql").render_as_string(hide_password=False)
    brokers = ("--brokers", require("kafka")) if name in WITH_KAFKA else ()
    file = folder / "told.json"
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", *SMALL[name], *brokers,
         "--postgres", place, "--json", str(file)],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(file.read_text())


def test_startup(tmp_path: Path) -> None:
    told = run("startup", tmp_path)
    assert told["start-service"].keys() == {"ours", "ours, SQLite"}
    assert all(seconds > 0 for services in told.values() for seconds in services.values())


def test_rest(tmp_path: Path) -> None:
    told = run("rest", tmp_path)
    assert told.keys() == {"report", "vote"}
    assert all(of["ours"]["rate"] > 0 and of["ours"]["failed"] == 0 for of in told.values())


def test_ingest(tmp_path: Path) -> None:
    told = run("ingest", tmp_path)
    assert told.keys() == {"ours", "ours, SQLite"}
    assert all(rate > 0 for rates in told.values() for rate in rates.values())


def test_reads_during_ingest(tmp_path: Path) -> None:
    told = run("during_ingest", tmp_path)
    assert all(of["ours"]["rate"] > 0 and of["ours"]["failed"] == 0 for of in told.values())
    assert 0 <= told["clusters"]["ours"]["messages_left"] < 500


def test_scale(tmp_path: Path) -> None:
    told = run("scale", tmp_path)
    assert told["copied"].keys() == {"500", "1500"}
    assert len(told["reads"]) == 5
    loads = [load for of in told["reads"].values() for load in of.values()]
    assert all(load["rate"] > 0 and load["failed"] == 0 for load in loads)
    assert all(of[name] > 0 for of in told["ingest"].values() for name in ("small", "big"))
    cleanup = told["cleanup"]
    assert cleanup["clusters"] > 100
    assert cleanup["seconds"] > 0
    assert all(cleanup[part]["reads"] > 0 for part in ("before", "during"))


def test_memory(tmp_path: Path) -> None:
    rows = run("memory", tmp_path)["ours"]
    assert [row["messages"] for row in rows] == [0, 100, 100]
    assert all(row["requests"] >= 100 for row in rows[1:])
    assert all(row["VmHWM"] >= row["VmRSS"] > 0 for row in rows)


def test_hostile(tmp_path: Path) -> None:
    told = run("hostile", tmp_path)
    assert len(told) == 4
    assert sum(row["consumed"] for row in told) > 0
    for row in told:
        assert row["failed"] == 0
        assert row["peak"] <= 250
