"""`check-config` names every dependency that works, and every one that does not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from aggregator.config.loading import PREFIX
from testing.mocks.broker import Broker
from tests.program import command


def checked(folder: Path, env: Mapping[str, str]) -> tuple[int, dict[str, tuple[str, str]]]:
    """Return the status, and state and detail of what was checked."""
    ended = command("check-config", "--json", folder=folder, env=env)
    assert ended.stderr == ""
    document: dict[str, Any] = json.loads(ended.stdout)
    assert document["ok"] == (ended.returncode == 0)
    found = {one["checked"]: (one["state"], one["detail"]) for one in document["checks"]}
    return ended.returncode, found


def test_what_works_is_named_and_nothing_is_created(tmp_path: Path) -> None:
    file = str(tmp_path / "a.db")
    storages = {
        f"{PREFIX}{name}_RECOMMENDATIONS_STORAGE__SQLITE_DATASOURCE": file
        for name in ("OCP", "DVO")
    }
    command("migration", "latest", folder=tmp_path, env=storages)
    with Broker() as broker:
        for topic in ("results", "letters"):
            broker.create_topic(topic, partitions=2)
        env = {
            **storages,
            f"{PREFIX}BROKER__ENABLED": "true",
            f"{PREFIX}BROKER__ADDRESSES": broker.address,
            f"{PREFIX}BROKER__TOPIC": "results",
            f"{PREFIX}BROKER__DEAD_LETTER_QUEUE_TOPIC": "letters",
        }
        status, found = checked(tmp_path, env)
        assert status == 0, found
        assert found["ocp_recommendations_storage"] == ("ok", f"{file} (SQLite), schema version 32")
        assert found["dvo_recommendations_storage"][1].endswith("schema version 4")
        assert found["topic results"][1].startswith(f"{broker.address}, 2 partitions, group aggr")
        assert found["topic letters"] == ("ok", "accepts messages")
        env[f"{PREFIX}BROKER__TOPIC"] = "nosuch"
        status, found = checked(tmp_path, env)
        assert status == 1
        assert found["topic nosuch"][0] == "failed"
        assert "does not exist" in found["topic nosuch"][1]


def test_what_does_not_work_is_named_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        '[content]\npath = "x"\n[server]\napi_spec_file = "no.json"\n[broker]\nenabled = false\n'
        '[ocp_recommendations_storage]\npg_host = "127.0.0.1"\npg_port = 1\npg_db_name = "d"\n'
        "[logging]\nlogging_to_sentry_enabled = true\n"
    )
    status, found = checked(tmp_path, {})
    assert status == 1
    assert found["ocp_recommendations_storage"][0] == "failed"
    assert "127.0.0.1:1" in found["ocp_recommendations_storage"][1]
    assert found["server.api_spec_file"] == (
        "failed", "cannot read 'no.json': No such file or directory",
    )  # fmt: skip
    assert found["sentry"] == ("failed", "sentry.dsn is empty")
    assert found["broker"] == ("unused", "broker.enabled is false")
    assert found["dvo_recommendations_storage"] == ("unused", "type is ''")
    assert found["configuration"][0] == "note"
    assert "'content' is retired" in found["configuration"][1]


@pytest.mark.parametrize("text", ["broker: [", "broker: {enabled: maybe}"])
def test_a_configuration_that_cannot_be_loaded_is_status_2(text: str, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(text)
    status, found = checked(tmp_path, {})
    assert status == 2
    assert found["configuration"][0] == "failed"
