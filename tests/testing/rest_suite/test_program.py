"""The program: options, exit statuses, and what it says to people."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import responses

from testing.rest_suite import fuzz
from testing.rest_suite.case import READ
from testing.rest_suite.contract import OPERATIONS
from testing.rest_suite.credentials import Bearer, IdentityHeader, Nobody
from testing.rest_suite.options import (
    credentials,
    headers,
    parse,
    parser,
    verification,
)
from testing.rest_suite.program import main

from .canned_instance import (
    DONE,
    INFO,
    URL,
    answer,
)


@pytest.fixture
def instance() -> Any:
    """Let an instance answer what is asked before the cases run."""
    with responses.mock:
        answer("", DONE)
        answer("info", INFO)
        answer("info", INFO, method="OPTIONS")
        answer("organizations", {"organizations": [], "status": "ok"})
        yield
    responses.mock.reset()


CASES = {
    "good": "def test_passes(api): api.ok('main')",
    "bad": "def test_fails(api): raise AssertionError('no')",
    "none": "import pytest\ndef test_skips(): pytest.skip('no data')",
    "writes": "import pytest\n@pytest.mark.writes\ndef test_likes(): pass",
}


@pytest.fixture
def cases(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Stand in for the cases of the suite."""
    files = [tmp_path / f"{name}.py" for name in CASES]
    for file, code in zip(files, CASES.values(), strict=True):
        file.write_text(code)
        sys.modules.pop(file.stem, None)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr("testing.rest_suite.program.case_files", lambda: files)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("instance", "cases")
@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["--only", "good"], 0),
        (["--only", "good", "--only", "none"], 0),
        (["--skip", "writes"], 1),
        (["--only", "none"], 4),
        (["--only", "writes"], 4),
        (["--only", "writes", "--allow-writes"], 0),
        (["--only", "nope"], 4),
        (["--only", "good", "--budget", "max=60s"], 0),
        (["--only", "good", "--budget", "main:max=0ms"], 1),
    ],
)
def test_the_exit_status_tells_how_it_went(words: list[str], status: int) -> None:
    assert main(["--url", URL, *words]) == status


@pytest.mark.usefixtures("instance", "cases")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--url is needed"),
        (["--url", "ftp://x"], "--url"),
        (["--url", URL, "--nope"], "--nope"),
        (["--url", URL, "--workers", "0"], "--workers"),
        (["--url", URL, "--timeout", "-1"], "--timeout"),
        (["--url", URL, "--auth", "jwt"], "--auth jwt needs --token-file"),
        (["--url", URL, "--auth", "jwt", "--token-file", "/no"], "cannot read '/no'"),
        (["--url", URL, "--auth", "jwt", "--token-file", __file__], "holds no token"),
        (["--url", "http://[::1"], "--url: http://host[:port][/prefix] expected"),
        (["--url", "http://localhost:99999"], "--url: http://host[:port][/prefix] expected"),
        (["--url", URL, "--compare", "foo://x"], "--compare: http://host[:port][/prefix] expected"),
        (["--url", URL, "--org", "4294967296"], "--org"),
        (["--url", URL, "--header", "x"], "--header: 'Name: value' expected, not 'x'"),
        (["--url", URL, "--header", "a b: x"], "--header: 'Name: value' expected"),
        (["--url", URL, "--header", "a: \u8a9e"], "--header: 'Name: value' expected"),
        (["--url", URL, "--header", "a: x\ny"], "--header: 'Name: value' expected"),
        (["--url", URL, "--ca-file", "/no"], "--ca-file: there is no '/no'"),
        (["--url", URL, "--data", "here"], "--data"),
        (["--url", URL, "--data", "kafka://x"], "--data"),
        (["--url", URL, "--budget", "fast"], "--budget"),
        (["--url", URL, "--report", "html", "/no/folder/x"], "--report"),
        (["--url", URL, "--config", "/no"], "--config: cannot read '/no'"),
    ],
)
def test_wrong_usage_is_one_line_that_names_the_option(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.startswith("rest_suite: ")
    assert "Traceback" not in error


def test_an_instance_that_is_not_there_is_status_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--url", "http://127.0.0.1:9"]) == 3
    assert "refused" in capsys.readouterr().err


@pytest.mark.usefixtures("cases")
def test_the_list_needs_no_instance(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list", "--skip", "bad"]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert names == ["good.passes", "none.skips", "writes.likes"]


def test_who_reads_a_part_of_the_list_gets_no_traceback() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "testing.rest_suite", "--list"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as listing:
        assert listing.stdout
        assert listing.stderr
        listing.stdout.close()
        assert (listing.stderr.read(), listing.wait()) == ("", 0)


@pytest.mark.usefixtures("instance", "cases")
def test_reports_are_written_after_the_run(tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    assert main(["--url", URL, "--budget", "off", "--report", "json", str(file)]) == 1
    counts = json.loads(file.read_text())["counts"]
    assert counts == {"passed": 1, "failed": 1, "skipped": 2}


@pytest.mark.usefixtures("instance", "cases")
def test_the_command_line_beats_the_file(tmp_path: Path) -> None:
    file, report = tmp_path / "suite.yaml", tmp_path / "run.json"
    lines = [f"url: {URL}", "only: [good]", "repeat: 2", f"report: {{json: {report}}}"]
    file.write_text("\n".join(lines))
    assert main(["--config", str(file)]) == 0
    assert report.exists()
    options, _ = parse(["--config", str(file), "--repeat", "3"])
    assert (options.repeat, options.only, options.allow_writes) == (3, ["good"], False)


@pytest.mark.parametrize("text", ["- a", "a: [", "urll: x", "workers: many"])
def test_a_file_that_is_none_is_told(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "suite.yaml"
    file.write_text(text)
    assert main(["--config", str(file)]) == 2
    said = capsys.readouterr().err
    assert str(file) in said
    assert said.count("\n") == 1


def test_options_say_who_asks(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("abc\n")
    url = ["--url", URL]
    assert credentials(parse([*url])[0]) == Nobody()
    assert credentials(parse([*url, "--org", "7"])[0]) == Nobody(7)
    asker = credentials(parse([*url, "--auth", "xrh", "--org", "7", "--user", "u"])[0])
    assert asker == IdentityHeader(7, "rest-suite", "u")
    jwt = [*url, "--auth", "jwt", "--token-file", str(file), "--org", "7"]
    assert credentials(parse(jwt)[0]) == Bearer("abc", 7)


def test_options_say_what_is_sent_and_trusted() -> None:
    options = parse(["--url", URL, "--header", "A: b: c", "--header", "D:"])[0]
    assert headers(options) == {"A": "b: c", "D": ""}
    assert verification(options) is True
    assert verification(parse(["--url", URL, "--insecure"])[0]) is False
    assert verification(parse(["--url", URL, "--ca-file", __file__])[0]) == __file__


def test_only_operations_that_read_are_fuzzed() -> None:
    document: dict[str, Any] = {"openapi": "3.0.0", "paths": {"/livez": {"get": {}}}}
    for operation in OPERATIONS.values():
        item = document["paths"].setdefault("/" + operation.path, {"parameters": []})
        item[operation.method.lower()] = {}
        item["options"] = {}
    kept = fuzz.reading_only(document)["paths"]
    found = {(p, m) for p, item in kept.items() for m in item if m != "parameters"}
    assert found == {
        ("/" + o.path, o.method.lower()) for o in OPERATIONS.values() if o.kind == READ
    }


def test_the_suite_runs_where_the_service_is_not_installed() -> None:
    program = (
        "import runpy, sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name.startswith('aggregator'): raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "sys.argv[1:] = ['--list']\n"
        "runpy.run_module('testing.rest_suite', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert b"votes.the_last_vote_wins" in done.stdout


@pytest.mark.usefixtures("instance", "cases")
def test_fuzzing_without_schemathesis_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["--url", URL, "--fuzz", "1"]) == 2
    assert "pip install" in capsys.readouterr().err


def test_every_option_is_documented() -> None:
    page = (Path(__file__).parents[3] / "docs/testing.md").read_text(encoding="utf-8")
    options = {
        word
        for action in parser()._actions
        for word in action.option_strings
        if word.startswith("--") and word != "--help"
    }
    assert len(options) > 20
    assert {word for word in options if f"`{word}" not in page} == set()
