"""The spoilings fit the contract, and a mutation run says which of them were noticed."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from testing.rest_suite.contract import OPERATIONS
from testing.rest_suite.mutation import (
    ENOUGH,
    NOT_CLEAN,
    TOO_FEW,
    USAGE,
    main,
    sample,
)
from testing.rest_suite.spoilings import all_spoilings

NEEDS = {"writes", "auth", "departures"}
NOTICED = ("metrics: frozen", "acks: one change behind")


def test_each_spoiling_has_a_name_of_its_own() -> None:
    names = Counter(spoiling.name for spoiling in all_spoilings())
    assert [name for name, number in names.items() if number > 1] == []


def test_spoilings_are_of_operations_and_of_what_a_run_may_have() -> None:
    for spoiling in all_spoilings():
        assert set(spoiling.operations) <= {*OPERATIONS, "*"}, spoiling.name
        assert spoiling.needs <= NEEDS, spoiling.name


def test_a_sample_has_every_kind() -> None:
    kinds = {spoiling.kind for spoiling in all_spoilings()}
    drawn = sample(all_spoilings(), len(kinds), 1)
    assert {spoiling.kind for spoiling in drawn} == kinds


def options(*patterns: str) -> list[str]:
    """Return the options for some spoilings, and the groups that look at them."""
    chosen = [word for pattern in patterns for word in ("--spoilings", pattern)]
    groups = [word for group in ("about", "acks") for word in ("--only", group)]
    return [
        *chosen,
        *groups,
        "--data",
        "fixtures",
        "--allow-writes",
        "--budget",
        "off",
        "--workers",
        "1",
    ]


def test_what_is_noticed_is_counted(
    aggregator_mock: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mutation.json"
    words = ["--url", aggregator_mock, *options(*NOTICED), "--json", str(file)]
    assert main(words) == ENOUGH
    trials = json.loads(file.read_text())["trials"]
    assert [trial["noticed"] for trial in trials] == [True] * len(NOTICED)
    assert all(trial["met"] and trial["by"] for trial in trials)
    assert "100.0%" in capsys.readouterr().out


def test_what_is_not_noticed_is_told(
    aggregator_mock: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # the groups chosen do not look at votes
    assert main(["--url", aggregator_mock, *options("get_vote: one change behind")]) == TOO_FEW
    assert "missed: cache: get_vote: one change behind" in capsys.readouterr().out


def test_an_instance_that_is_not_sound_or_not_there_is_told(
    aggregator_mock: str, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = [*options("metrics: frozen"), "--profile", "reference-2026", "--only", "seed_era"]
    assert main(["--url", aggregator_mock, *wrong]) == NOT_CLEAN
    assert "not clean without spoilings" in capsys.readouterr().out
    assert main(["--url", "http://127.0.0.1:9"]) == USAGE


def test_runs_that_take_away_what_they_need_do_not_count(
    aggregator_mock: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*options("metrics: frozen"), "--only", "deletes", "--only", "reports"]
    assert main(["--url", aggregator_mock, *words, "--allow-deletes"]) == NOT_CLEAN
    assert "not clean" in capsys.readouterr().out
