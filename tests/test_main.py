"""The command line: which command runs, what it prints, and the status it ends with."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from aggregator import build
from aggregator.commands import COMMANDS, find
from aggregator.config.loading import PREFIX
from tests.program import (
    ROOT,
    command,
    normalised,
    recorded,
)


def test_help_is_the_reference_s_and_then_tells_of_ours(tmp_path: Path) -> None:
    expected, status = recorded("help.txt")
    for name in ("help", "print-help", " HELP "):
        ended = command(name, folder=tmp_path)
        assert (ended.returncode, ended.stderr) == (status, "")
        kept, ours = ended.stdout[: len(expected) - 1], ended.stdout[len(expected) - 1 :]
        assert kept + "\n" == expected
        told = re.findall(r"^    (\S+) +\S", ours, re.M)
        assert told == [name for name, one in COMMANDS.items() if one.summary and find(name)]
        assert "dev" in told


@pytest.mark.parametrize("name", ["foo", "--help"])
def test_an_unknown_command_is_said_and_no_failure(tmp_path: Path, name: str) -> None:
    expected, status = recorded("foo.txt")
    ended = command(name, folder=tmp_path)
    assert ended.stdout.startswith(expected.replace("foo", name).rstrip("\n"))
    assert (ended.returncode, ended.stderr) == (status, "")


def test_print_env_shows_the_environment(tmp_path: Path) -> None:
    ended = command("print-env", folder=tmp_path, env={"SOME_VARIABLE": "some value"})
    assert ended.returncode == 0
    assert "SOME_VARIABLE=some value\n" in ended.stdout


def test_print_version_info_has_the_five_lines_of_the_reference(tmp_path: Path) -> None:
    expected, status = recorded("print-version-info.txt")
    ended = command("print-version-info", folder=tmp_path)
    info = build.info()
    names = ("BuildVersion", "BuildTime", "BuildBranch", "BuildCommit", "UtilsVersion")
    for name in names:
        expected = expected.replace(build.NOT_SET, info[name], 1)
    assert (normalised(ended.stdout), ended.returncode) == (expected, status)


@pytest.mark.parametrize("name", ["help", "print-config", "migration", "start-service", "dev"])
def test_a_configuration_that_cannot_be_used_is_one_line_and_status_2(
    tmp_path: Path, name: str
) -> None:
    ended = command(name, folder=tmp_path, env={f"{PREFIX}BROKER__ENABLED": "maybe"})
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == ("configuration: broker.enabled: true or false expected, not 'maybe'\n")


@pytest.mark.parametrize("name", ["help", "print-config", "print-env", "print-version-info", "lag"])
def test_a_value_that_the_go_service_refuses_late_is_refused_by_every_command(
    tmp_path: Path, name: str
) -> None:
    ended = command(name, folder=tmp_path, env={f"{PREFIX}STORAGE_BACKEND__USE": "ocp"})
    expected = "storage_backend.use: ocp_recommendations or dvo_recommendations expected, not 'ocp'"
    assert (ended.returncode, ended.stderr) == (2, f"configuration: {expected}\n")


def test_a_reader_that_has_enough_is_no_failure(tmp_path: Path) -> None:
    line = f"{sys.executable} -m aggregator print-config | true; exit ${{PIPESTATUS[0]}}"
    for _ in range(3):
        ended = subprocess.run(
            ["bash", "-c", line],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )
        assert (ended.returncode, ended.stderr) == (0, "")


def test_a_command_that_only_prints_loads_nothing_that_serves() -> None:
    code = (
        "import sys\nfrom aggregator.__main__ import main\n"
        "sys.argv[1:] = ['print-version-info']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in ended.stderr.split()}
    assert "aggregator" in loaded
    assert loaded & {"sqlalchemy", "aiokafka", "asyncpg", "jsonschema", "rich", "asyncio"} == set()
