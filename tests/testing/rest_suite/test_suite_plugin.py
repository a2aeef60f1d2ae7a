"""The pytest plugin: what becomes of cases, in which order they run, what is left behind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import responses

from testing.mocks.server import mock_server
from testing.mocks.thread import in_thread
from testing.rest_suite import program
from testing.rest_suite.case import DELETE, READ, WRITE
from testing.rest_suite.data import Claims, Data
from testing.rest_suite.phases import Phases
from testing.rest_suite.program import main

from .canned_instance import (
    DONE,
    HIT,
    INFO,
    INVENTORY,
    URL,
    VOTED,
    answer,
    sent,
)

HEAD = """
import pytest
from testing.rest_suite.cases.parameters import *
from testing.rest_suite.checks import CheckFailed, check
HIT = {params!r}
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run cases written in a test against the canned instance; return status and JSON report."""
    monkeypatch.setattr(program, "case_files", lambda: [])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def go(code: str, *options: str) -> tuple[int, dict[str, Any]]:
        folder, file = tmp_path / "own", tmp_path / "run.json"
        folder.mkdir(exist_ok=True)
        sys.modules.pop("test_group", None)
        (folder / "test_group.py").write_text(HEAD.format(params=HIT.params) + code)
        budget = [] if "--budget" in options else ["--budget", "off"]
        words = ["--url", URL, "--cases", str(folder), *budget, "--allow-writes"]
        status = main([*words, "--report", "json", str(file), *options])
        return status, json.loads(file.read_text()) if file.exists() else {}

    with responses.mock:
        answer("", DONE)
        answer("info", INFO)
        answer("info", INFO, method="OPTIONS")
        answer("organizations", {"organizations": [], "status": "ok"})
        yield go
    responses.mock.reset()


def outcomes(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return group, outcome and reason of each case."""
    return [(case["group"], case["outcome"], case["reason"]) for case in document["cases"]]


def test_outcomes_have_reasons(run: Any) -> None:
    status, document = run("""
def test_passes(api): api.ok("main")
def test_skips(data): data.hit()
def test_fails(api): raise CheckFailed("not so")
def test_stumbles(api): api.ok("main")["absent"]
def test_asserts(api): assert 1 == 2
@pytest.mark.deletes
def test_deletes(api): pass
@pytest.mark.profiles("reference-2020")
def test_of_2020(api): pass
""")
    assert status == 1
    found = {case["name"]: (case["outcome"], case["reason"]) for case in document["cases"]}
    assert found["passes"] == ("passed", "")
    assert found["skips"] == ("skipped", "1 rule hits are needed, 0 are known")
    assert found["fails"] == ("failed", "not so")
    assert found["stumbles"][0] == "failed"
    assert "KeyError: 'absent' (line" in found["stumbles"][1]
    assert "AssertionError: assert 1 == 2" in found["asserts"][1]
    assert found["deletes"] == ("skipped", "needs --allow-deletes")
    assert found["of_2020"][1] == "demanded by reference-2020, not by reference-2026"


def test_readers_run_first_and_deleters_last(run: Any) -> None:
    _, document = run(
        """
@pytest.mark.deletes
def test_deletes(api): api.ok("main")
@pytest.mark.writes
def test_writes(api): api.ok("main")
def test_reads(api): api.ok("info")
""",
        "--allow-deletes",
    )
    moments = {case["name"]: case["outcome"] for case in document["cases"]}
    assert set(moments.values()) == {"passed"}
    # the probe asks before
    assert [path for _, path in sent()[-3:]] == ["info", "", ""]


def test_failing_case_cleans_up(run: Any) -> None:
    answer(VOTED + "like", DONE, method="PUT")
    answer(VOTED + "reset_vote", DONE, method="PUT")
    _, document = run("""
@pytest.mark.writes
def test_likes(api):
    api.ok("like", **HIT, user_id="ann")
    raise CheckFailed("then it went wrong")
""")
    (case,) = document["cases"]
    assert (case["outcome"], case["reason"]) == ("failed", "then it went wrong")
    assert [exchange["operation"] for exchange in case["exchanges"]] == ["like", "reset_vote"]
    assert sent()[-1] == ("PUT", VOTED + "reset_vote")


def test_failing_clean_up_fails_the_case(run: Any) -> None:
    answer(VOTED + "like", DONE, method="PUT")
    answer(VOTED + "reset_vote", "", status=500, method="PUT")
    status, document = run("""
@pytest.mark.writes
def test_likes(api): api.ok("like", **HIT, user_id="ann")
""")
    assert status == 1
    assert "clean-up" in document["cases"][0]["reason"]


def test_interrupted_run_cleans_up(run: Any) -> None:
    answer(VOTED + "like", DONE, method="PUT")
    answer(VOTED + "reset_vote", DONE, method="PUT")
    status, document = run("""
@pytest.mark.writes
def test_likes(api):
    api.ok("like", **HIT, user_id="ann")
    raise KeyboardInterrupt
@pytest.mark.writes
def test_is_not_run(api): raise CheckFailed("run")
def test_reads(api): api.ok("main")
""")
    assert status == 130
    assert sent()[-2:] == [("PUT", VOTED + "like"), ("PUT", VOTED + "reset_vote")]
    assert document["interrupted"]
    assert [name for name, *_ in outcomes(document)] == ["group"]


@pytest.mark.parametrize("option", ["-x", "--fail-fast", "--maxfail=1"])
def test_run_stops_at_the_first_failure(run: Any, option: str) -> None:
    status, document = run(
        """
def test_a(api): raise CheckFailed("a")
def test_b(api): raise CheckFailed("b")
""",
        option,
    )
    assert (status, outcomes(document)) == (1, [("group", "failed", "a")])


def test_options_of_pytest_select(run: Any) -> None:
    code = """
def test_good(api): api.ok("main")
def test_bad(api): raise CheckFailed("no")
@pytest.mark.writes
def test_writes(api): api.ok("main")
"""
    assert run(code, "-k", "good")[0] == 0
    assert run(code, "-m", "writes")[0] == 0
    assert run(code)[0] == 1
    status, document = run(code, "--last-failed")
    assert (status, len(document["cases"])) == (1, 1)


def test_run_is_repeated(run: Any) -> None:
    _, document = run('def test_main(api): api.ok("main")\n', "--repeat", "3")
    assert [case["name"] for case in document["cases"]] == ["main[1]", "main[2]", "main[3]"]


def test_verbose_shows_the_output_of_pytest(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    run('def test_main(api): api.ok("main")\n', "-v")
    assert "test_group.py::test_main PASSED" in capsys.readouterr().out
    run('def test_main(api): api.ok("main")\n')
    assert capsys.readouterr().out == ""


def test_junit_has_failures_budgets_and_requests(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "suite.xml"
    run(
        """
def test_bad(api):
    api.ok("main")
    raise CheckFailed("no \\x1b")
""",
        "--budget",
        "main:max=0ms",
        "--report",
        "junit",
        str(file),
    )
    (suite,) = ET.parse(file).getroot()
    assert (suite.get("failures"), suite.get("tests")) == ("2", "2")
    case, budget = suite.findall("testcase")
    assert (case.get("classname"), case.get("name")) == ("rest_suite.test_group", "test_bad")
    assert "curl -i" in str(case.findtext("failure"))
    assert budget.get("classname") == "rest_suite.budget"


def test_file_that_cannot_be_loaded_is_usage(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("import no_such_module\n")[0] == 2
    error = capsys.readouterr().err
    assert "cannot load" in error
    assert "No module named 'no_such_module'" in error
    assert "Traceback" not in error


def test_options_come_from_the_project(run: Any, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.insights-results-rest-suite]\nonly = ["group.good"]\n'
    )
    code = "def test_good(api): pass\ndef test_bad(api): raise CheckFailed('no')\n"
    assert run(code)[0] == 0
    (tmp_path / "suite.yaml").write_text("only: [group.bad]")
    assert run(code)[0] == 1


def test_processes_share_the_data_and_keep_the_order(tmp_path: Path) -> None:
    """Readers never run while another process writes, and deleters come last, one by one."""
    (tmp_path / "test_order.py").write_text(f"""
import os, time
import pytest
LOG = {str(tmp_path / "log")!r}
def note(word):
    with open(LOG, "a") as file: file.write(word + "\\n")
@pytest.mark.parametrize("n", range(6))
def test_reads(api, data, n):
    assert data.hit()
    note("read")
@pytest.mark.writes
@pytest.mark.parametrize("n", range(6))
def test_writes(api, data, n):
    hit = data.own_hit()
    note("write " + hit.cluster)
    api.ok("like", **hit.params, user_id=data.user())
    note("written " + hit.cluster)
@pytest.mark.deletes
@pytest.mark.parametrize("n", range(4))
def test_deletes(api, data, n):
    note("delete")
    note("deleted")
""")
    with in_thread(mock_server()) as url:
        done = subprocess.run(
            [sys.executable, "-m", "testing.rest_suite", "--url", url, "--cases", str(tmp_path),
             "--only", "order", "--allow-writes", "--allow-deletes", "-n", "2", "--budget", "off"],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / "log").read_text().splitlines()
    kinds = [line.split()[0] for line in lines]
    assert kinds[:6] == ["read"] * 6
    assert kinds[-8:] == ["delete", "deleted"] * 4
    busy: set[str] = set()
    for line in lines[6:-8]:
        word, cluster = line.split()
        assert (cluster in busy) == (word == "written")
        busy ^= {cluster}


def test_a_cluster_is_claimed_once(tmp_path: Path) -> None:
    one, other = Data(INVENTORY, Claims(tmp_path)), Claims(tmp_path)
    assert one.own_hit() == HIT
    assert not other._claimed(HIT.cluster)
    one.release()
    assert other._claimed(HIT.cluster)


def test_a_stopped_run_waits_for_nobody(tmp_path: Path) -> None:
    phases = Phases(tmp_path)
    phases.expect([READ, WRITE, DELETE])
    phases.stop()
    with phases.case(DELETE, "deletes"):
        pass
    assert len(list(tmp_path.glob("done-*"))) == 1
