"""`dead-letters` shows invalid messages safely, and sends a repaired one if it would be stored."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aggregator.commands.arguments import UsageError
from aggregator.config.options import Config
from testing.mocks.broker import Broker
from tests.commands.test_cleanup import DAY, fill, sqlite
from tests.commands.test_foreign_text import assert_harmless
from tests.commands.test_replay import HOUR, NOON, Scene, letter
from tests.commands.topics import config
from tests.program import complaints, in_process

run = in_process("dead-letters")

CLUSTER = "00000000-0000-4000-8000-000000000000"
REPAIRED = {
    "OrgID": 1, "ClusterName": CLUSTER, "LastChecked": "2026-03-01T10:00:00Z",
    "Report": {"reports": [], "info": [], "system": {}, "fingerprints": []},
}  # fmt: skip
BROKEN = REPAIRED | {"ClusterName": "no UUID"}


def scene(broker: Broker) -> tuple[Scene, Config]:
    """Give a topic with two dead letters, the second of which was JSON of a wrong cluster."""
    letters = [
        letter(b"\x1b[2J{", "json", offset=7, at=NOON - HOUR),
        letter(json.dumps(BROKEN).encode(), "cluster", partition=2, offset=9),
        letter(None, "too_large", more=(("x-value-omitted", b"3000001"),)),
    ]
    return Scene(broker, letters), config(broker.address)


def test_they_are_listed_by_kind_and_time(capsys: pytest.CaptureFixture[str]) -> None:
    with Broker() as broker:
        _, ours = scene(broker)
        assert run(ours, ["list", "--json", "--kind", "json", "--kind", "cluster"]) == 0
        first, second = json.loads(capsys.readouterr().out)
        assert second == {
            "partition": 0, "offset": 1, "written_at": "2026-03-01T12:00:00Z", "kind": "cluster",
            "error": "no good", "origin": {"topic": "results", "partition": 2, "offset": 9},
            "bytes": len(json.dumps(BROKEN)), "value_omitted": False,
        }  # fmt: skip
        assert (first["kind"], first["written_at"]) == ("json", "2026-03-01T11:00:00Z")
        assert run(ours, ["list", "--since", "2026-03-01T12:00", "--limit", "1"]) == 0
        printed = capsys.readouterr()
        assert printed.out.splitlines()[1].split()[:3] == ["0", "1", "2026-03-01"]
        assert complaints(printed.err) == ["only the first 1 are listed (--limit)"]


def test_one_is_shown_with_its_payload_and_controls_no_terminal(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    with Broker() as broker:
        _, ours = scene(broker)
        assert run(ours, ["show", "0:0"]) == 0
        text = capfdbinary.readouterr().out.decode()
        assert_harmless(text)
        assert "origin:  results/0/7\n" in text
        assert text.endswith("\\x1b[2J{\n")
        assert run(ours, ["show", "0:1"]) == 0
        shown = capfdbinary.readouterr().out.decode()
        assert '  "ClusterName": "no UUID",\n' in shown
        assert "header:  x-error-kind: cluster\n" in shown
        assert run(ours, ["show", "0:0", "--raw"]) == 0
        assert capfdbinary.readouterr().out == b"\x1b[2J{"
        assert run(ours, ["show", "0:1", "--json"]) == 0
        assert json.loads(capfdbinary.readouterr().out)["value"] == BROKEN
        for place in ("0:3", "5:0"):
            assert run(ours, ["show", place]) == 1
            assert b"there is no dead letter" in capfdbinary.readouterr().err


def test_they_are_saved_byte_for_byte_with_an_index(tmp_path: Path) -> None:
    with Broker() as broker:
        _, ours = scene(broker)
        assert run(ours, ["export", str(tmp_path / "out")]) == 0
    lines = (tmp_path / "out" / "index.jsonl").read_text().splitlines()
    index = [json.loads(line) for line in lines]
    assert [one["file"] for one in index] == ["0-0.json", "0-1.json", None]
    assert (tmp_path / "out" / "0-0.json").read_bytes() == b"\x1b[2J{"
    assert len(list((tmp_path / "out").iterdir())) == 3


def stored_at(file: Path, kind: str) -> str:
    """Return the LastChecked that is stored for the cluster."""
    queries = {
        "ocp": "SELECT last_checked_at FROM report",
        "dvo": "SELECT last_checked_at FROM dvo_report",
    }
    with closing(sqlite3.connect(file)) as connection:
        ((at,),) = connection.execute(queries[kind]).fetchall()
    return f"{str(at).replace(' ', 'T')}Z"


def editor(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", command)


def test_a_repaired_message_is_sent_with_its_key_and_headers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    editor(monkeypatch, f"sed -i 's/no UUID/{CLUSTER}/'")
    with Broker() as broker:
        found, ours = scene(broker)
        assert run(ours, ["edit", "0:1"]) == 0
        assert capsys.readouterr().out == "sent to results\n"
        (record,) = found.results()
    assert json.loads(record.value) == REPAIRED
    assert (record.partition, record.key) == (2, b"k")
    assert dict(record.headers) == {"x-replayed-from": b"letters/0/1"}


@pytest.mark.parametrize(
    ("command", "status", "complaint"),
    [
        ("true", 3, "the message is unchanged, so it was not sent"),
        (
            "sed -i s/no/nO/",
            3,
            "not sent: it is still invalid: cluster: cluster name is",
        ),
        ("false", 1, "the editor 'false' ended with status 1"),
        ("no-such-editor", 1, "cannot start the editor 'no-such-editor'"),
    ],
)
def test_what_is_not_repaired_is_not_sent(
    command: str,
    status: int,
    complaint: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    editor(monkeypatch, command)
    with Broker() as broker:
        found, ours = scene(broker)
        assert run(ours, ["edit", "0:1"]) == status
        first, *more = complaints(capsys.readouterr().err)
        assert complaint in first
        assert found.results() == []
    # what somebody has typed is kept
    kept = list(tmp_path.glob("*.json"))
    assert len(kept) == ("invalid" in complaint)
    assert more == [f"the edited message is kept: --file {file}" for file in kept]


@pytest.mark.parametrize("kind", ["ocp", "dvo"])
def test_a_message_that_the_service_would_drop_as_old_is_reported(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    section, file = sqlite(tmp_path / "a.db"), tmp_path / "message.json"
    asyncio.run(fill(section, [DAY]))
    stored = stored_at(tmp_path / "a.db", kind)
    message: dict[str, Any] = dict(REPAIRED)
    if kind == "dvo":
        del message["Report"]
        message["Metrics"] = {"workload_recommendations": [], "system": {}, "fingerprints": []}
    with Broker() as broker:
        found, ours = scene(broker)
        use = replace(ours.storage_backend, use=(f"{kind}_recommendations",))
        ours = replace(
            ours,
            ocp_recommendations_storage=section,
            dvo_recommendations_storage=section,
            storage_backend=use,
        )
        for last_checked, words in (
            (stored, "is the same as that of the stored report"),
            ("2020-01-01T00:00:00Z", "is before that of the stored report"),
        ):
            file.write_text(json.dumps(message | {"LastChecked": last_checked}))
            assert run(ours, ["edit", "0:1", "--file", str(file)]) == 3
            (complaint,) = complaints(capsys.readouterr().err)
            assert complaint.startswith("not sent: it is old: LastChecked")
            assert words in complaint
        assert found.results() == []
        assert run(ours, ["edit", "0:1", "--file", str(file), "--force"]) == 0
        file.write_text(json.dumps(message | {"LastChecked": "2100-01-01T00:00:00Z"}))
        assert run(ours, ["edit", "0:1", "--file", str(file)]) == 0
        assert len(found.results()) == 2


def test_wrong_usage_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(Config(), ["show", "42"])
    with pytest.raises(SystemExit, match="2"):
        run(Config(), ["lsit"])
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    with pytest.raises(UsageError, match="--raw is for a file"):
        run(Config(), ["show", "0:1", "--raw"])
