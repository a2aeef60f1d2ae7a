"""The command line: which command runs, what it prints, and the status it ends with."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from aggregator import build
from aggregator.__main__ import main
from aggregator.commands import COMMANDS, find
from aggregator.config.loading import FILE_VARIABLE, PREFIX
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


def test_an_unknown_command_prints_what_the_go_service_prints_and_fails(tmp_path: Path) -> None:
    """The Go service ends with status 0 (departure 32)."""
    expected, _ = recorded("foo.txt")
    ended = command("foo", folder=tmp_path)
    assert ended.stdout.startswith(expected.rstrip("\n"))
    assert (ended.returncode, ended.stderr) == (
        2,
        "insights-results-aggregator: unknown command 'foo'; see insights-results-aggregator "
        "--help\n",
    )


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["clenaup", "--older-than", "1d", "--apply"], "unknown command 'clenaup'; did you mean"),
        (["--foo"], "unknown option '--foo'"),
        (["nonsense", "--help"], "unknown command 'nonsense'"),
        (["lag", "--grup", "a"], "lag: unrecognized arguments: --grup a (see"),
        (
            ["lag", "--broker", "not a broker"],
            "lag: --broker: broker.addresses: host:port expected",
        ),
        (["replay", "--kind", "nonsense"], "--kind: invalid choice: 'nonsense' (choose from"),
        (["cleanup"], "cleanup: --older-than AGE is needed (see"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(
    tmp_path: Path, arguments: list[str], complaint: str
) -> None:
    ended = command(*arguments, folder=tmp_path)
    assert ended.returncode == 2
    assert complaint in ended.stderr
    assert ended.stderr.startswith("insights-results-aggregator")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("name", [name for name in COMMANDS if name])
def test_help_shows_every_option_and_reads_no_configuration(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FILE_VARIABLE, "/no/such/file")
    for words in ([name, "--help"], ["-h", name], [name.upper(), "-h", "31"]):
        assert main(words) == 0
        printed = capsys.readouterr()
        assert printed.err == ""
        assert printed.out.startswith(f"usage: insights-results-aggregator {name} ")
        assert "Exit status: 0 " in printed.out


def test_help_of_a_command_with_effects_has_none(tmp_path: Path) -> None:
    database = tmp_path / "a.db"
    env = {f"{PREFIX}OCP_RECOMMENDATIONS_STORAGE__SQLITE_DATASOURCE": str(database)}
    for arguments in (["migration", "latest", "--help"], ["start-service", "-h"], ["--version"]):
        ended = command(*arguments, folder=tmp_path, env=env)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert not database.exists()
    assert ended.stdout == f"insights-results-aggregator {build.info()['BuildVersion']}\n"


def test_help_without_a_command_lists_all_and_help_names_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--help"]) == 0
    listed = capsys.readouterr().out
    assert all(f"    {name} " in listed for name, one in COMMANDS.items() if one.summary)
    assert "start-worker" not in listed
    assert main(["help", "lag"]) == 0
    assert "usage: insights-results-aggregator lag" in capsys.readouterr().out


def test_what_the_go_service_ignores_is_reported_and_ignored(tmp_path: Path) -> None:
    ended = command("print-env", "foo", "--bar", folder=tmp_path)
    assert ended.returncode == 0
    assert ended.stdout.startswith("Clowder is disabled\n")
    assert ended.stderr == "print-env: ignored, as by the Go service: foo --bar\n"


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
