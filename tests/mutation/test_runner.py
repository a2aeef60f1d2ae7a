"""The mutants fit the contract, and the runner reports which of them were killed."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from testing.rest_suite.contract import OPERATIONS
from tests.mutation.mutants.catalog import all_mutants
from tests.mutation.runner import (
    BELOW_THRESHOLD,
    NOT_CLEAN,
    PASSED,
    USAGE,
    main,
    sample,
)

NEEDS = {"writes", "auth", "departures"}
KILLED = ("metrics: frozen", "acks: one change behind")


def test_names_of_mutants_are_unique() -> None:
    names = Counter(mutant.name for mutant in all_mutants())
    assert [name for name, number in names.items() if number > 1] == []


def test_operations_and_needs_of_mutants_are_known() -> None:
    for mutant in all_mutants():
        assert set(mutant.operations) <= {*OPERATIONS, "*"}, mutant.name
        assert mutant.needs <= NEEDS, mutant.name


def test_sample_contains_every_kind() -> None:
    kinds = {mutant.kind for mutant in all_mutants()}
    drawn = sample(all_mutants(), len(kinds), 1)
    assert {mutant.kind for mutant in drawn} == kinds


def options(*patterns: str) -> list[str]:
    """Return the options for some mutants and two groups of cases."""
    chosen = [word for pattern in patterns for word in ("--mutants", pattern)]
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


def test_killed_mutants_are_counted(
    aggregator_mock: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mutation.json"
    words = ["--url", aggregator_mock, *options(*KILLED), "--json", str(file)]
    assert main(words) == PASSED
    trials = json.loads(file.read_text())["trials"]
    assert [trial["killed"] for trial in trials] == [True] * len(KILLED)
    assert all(trial["activated"] and trial["by"] for trial in trials)
    assert "100.0%" in capsys.readouterr().out


def test_surviving_mutant_is_reported(
    aggregator_mock: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # no case of these groups reads votes
    words = ["--url", aggregator_mock, *options("get_vote: one change behind")]
    assert main(words) == BELOW_THRESHOLD
    assert "survived: cache: get_vote: one change behind" in capsys.readouterr().out


def test_failing_or_unreachable_instance_is_an_error(
    aggregator_mock: str, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = [*options("metrics: frozen"), "--profile", "reference-2026", "--only", "legacy_2020"]
    assert main(["--url", aggregator_mock, *wrong]) == NOT_CLEAN
    assert "not clean without a mutant" in capsys.readouterr().out
    assert main(["--url", "http://127.0.0.1:9"]) == USAGE


def test_runs_that_delete_their_data_are_not_clean(
    aggregator_mock: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*options("metrics: frozen"), "--only", "deletes", "--only", "reports"]
    assert main(["--url", aggregator_mock, *words, "--allow-deletes"]) == NOT_CLEAN
    assert "not clean" in capsys.readouterr().out
