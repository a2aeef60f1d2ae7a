"""Every report tells what failed, and survives what instances answer."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from testing.rest_suite.client import Exchange
from testing.rest_suite.contract import OPERATIONS
from testing.rest_suite.latency import Latency
from testing.rest_suite.probe import InstanceInfo, UsageError
from testing.rest_suite.reports import WRITERS, demand_writable, write
from testing.rest_suite.result import Outcome, Result
from testing.rest_suite.summary import Summary

MOMENT = datetime(2026, 3, 1, 10, tzinfo=UTC)
EXCHANGE = Exchange(
    operation="report",
    method="GET",
    url="http://instance.test/report",
    request_headers={},
    request_body=None,
    status=500,
    headers={"content-type": "text/html"},
    body=b"<script>alert(1)</script>\x00\xff\x1b",
    seconds=0.25,
    moment=MOMENT,
)
SUMMARY = Summary(
    url="http://instance.test",
    instance=InstanceInfo(),
    data="1 organization",
    moment=MOMENT,
    seconds=1.5,
    results=[
        Result("votes", "a_like", "a like is shown", Outcome.PASSED, seconds=0.1),
        Result("votes", "toggled", "toggled", Outcome.SKIPPED, "needs --allow-writes"),
        Result(
            "reports", "is_<there>", "is there", Outcome.FAILED, "expected 200, got 500 \x00",
            exchanges=(EXCHANGE, replace(EXCHANGE, url="http://instance.test/clean-up")),
            decisive=1,
        ),
    ],
    latencies=[Latency("report", (0.1, 0.25)), Latency("main", (0.0,))],
)  # fmt: skip


def test_the_text_says_what_failed_and_what_was_left_out() -> None:
    text = WRITERS["text"](SUMMARY)
    assert "FAILED reports.is_<there>" in text
    assert "curl -i --path-as-is -X GET http://instance.test/report" in text
    assert "clean-up" not in text
    assert "not tested (1): needs --allow-writes: votes.toggled" in text
    assert text.index("FAILED") < text.index("not tested") < text.index("http://instance.test/api")
    assert "1 passed, 1 failed, 1 skipped in 1.5 s" in text
    assert "250 ms" in text


def test_the_document_has_cases_exchanges_and_latencies() -> None:
    document = json.loads(WRITERS["json"](SUMMARY))
    assert document["counts"] == {"passed": 1, "failed": 1, "skipped": 1}
    (failed,) = [case for case in document["cases"] if case["outcome"] == "failed"]
    assert failed["exchanges"][0]["status"] == 500
    assert document["moment"] == "2026-03-01T10:00:00+00:00"
    assert document["latencies"][0] == {
        "operation": "report", "requests": 2,
        "p50": 0.1, "p90": 0.25, "p95": 0.25, "p99": 0.25, "max": 0.25,
    }  # fmt: skip


class Page(HTMLParser):
    """Notes tags, and whether each is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in ("meta", "input", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_lets_no_answer_in() -> None:
    text = WRITERS["html"](SUMMARY)
    page = Page()
    page.feed(text)
    assert not page.open
    assert page.tags.count("script") == 1
    assert text.index("Not tested") < text.index("Coverage of the contract") < text.index("Cases")
    assert "<b>1</b> needs --allow-writes" in text
    assert page.tags.count("rect") == 4
    assert "<b>votes</b> \n1 passed, 1 skipped</summary>" in text
    assert "src=" not in text
    assert "&lt;script&gt;alert(1)" in text


@pytest.mark.parametrize("form", WRITERS)
def test_a_run_with_nothing_in_it_has_reports_too(form: str) -> None:
    empty = Summary("http://instance.test", InstanceInfo(), "nothing", MOMENT, 0.0, [], [])
    assert WRITERS[form](empty)


def test_known_defects_are_listed_and_fail_nobody() -> None:
    known = Result("about", "described", "described", Outcome.PASSED, known=("no GET /",))
    summary = replace(SUMMARY, results=[known])
    assert "known defect: no GET /" in WRITERS["text"](summary)
    assert "<li>no GET /</li>" in WRITERS["html"](summary)
    assert not summary.failures


def test_operations_that_a_profile_lacks_are_one_reason() -> None:
    absent = [
        Result(
            "acks", name, "", Outcome.SKIPPED, f"{name} does not exist in profile reference-2020"
        )
        for name in ("ack", "acks")
    ]
    text = WRITERS["text"](replace(SUMMARY, results=absent))
    assert "not tested (2): operations that do not exist in profile reference-2020" in text


def test_only_the_slowest_operations_are_shown() -> None:
    many = [Latency(name, (number / 100,)) for number, name in enumerate(OPERATIONS, 1)]
    text = WRITERS["text"](replace(SUMMARY, results=[], latencies=many))
    shown = [name for name in OPERATIONS if f"│ {name} " in text]
    assert shown == list(OPERATIONS)[-20:]


def test_reports_are_written_where_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = [("json", str(tmp_path / "a.json")), ("text", "-")]
    demand_writable(wanted)
    write(wanted, SUMMARY)
    assert json.loads((tmp_path / "a.json").read_text())["seconds"] == 1.5
    assert "FAILED" in capsys.readouterr().out


@pytest.mark.parametrize(("form", "name"), [("pdf", "x"), ("html", "no/folder/x"), ("html", "/")])
def test_what_cannot_be_written_is_told_before_the_run(form: str, name: str) -> None:
    with pytest.raises(UsageError, match="--report"):
        demand_writable([(form, name)])


HOSTILE = "\x1b]52;c;cGF5bG9hZA==\x07 [bold]x[/oops] :smile: \x9b31m \u202ee\r\nFAILED forged <b>"
UNSAFE = "\x1b\x07\x9b\u202e\r"


@pytest.mark.parametrize("form", WRITERS)
def test_what_instances_answer_controls_no_terminal_and_forges_no_line(form: str) -> None:
    answer = replace(EXCHANGE, url=f"http://instance.test/{HOSTILE}", headers={"x": HOSTILE},
                     body=HOSTILE.encode())  # fmt: skip
    hostile = Result("reports", "of_one", "is there", Outcome.FAILED, HOSTILE, exchanges=(answer,),
                     decisive=1)  # fmt: skip
    skipped = replace(hostile, outcome=Outcome.SKIPPED)
    text = WRITERS[form](replace(SUMMARY, results=[hostile, skipped]))
    assert not set(UNSAFE) & set(text)
    if form == "text":
        assert "[bold]x[/oops] :smile:" in text
        assert not any(line.startswith("FAILED forged") for line in text.splitlines())
    if form == "json":
        assert json.loads(text)["cases"][0]["reason"] == HOSTILE
