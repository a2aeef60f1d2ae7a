"""Coverage of the contract is derived from what cases asked, and from what skipped ones name."""

from __future__ import annotations

from testing.rest_suite import coverage
from testing.rest_suite.case import READ, WRITE
from testing.rest_suite.cases import about, acks, organizations, votes
from testing.rest_suite.coverage import operations_of
from testing.rest_suite.result import Outcome, Result, Timing


def result(group: str, name: str, *asked: tuple[str, int], kind: int = READ) -> Result:
    """Return a passed result with these requests."""
    timings = tuple(Timing(operation, status, 0.1) for operation, status in asked)
    return Result(group, name, name, Outcome.PASSED, timings=timings, kind=kind)


def cells(*results: Result) -> dict[tuple[str, str], str]:
    """Return the cells that are not empty."""
    return {
        (operation, aspect): str(cell)
        for operation, row in coverage.table(results).items()
        for aspect, cell in row.items()
        if str(cell) != "-"
    }


def test_statuses_say_what_was_tested() -> None:
    found = cells(result("votes", "a_vote_is_shown", ("like", 200), ("report", 404), kind=WRITE))
    assert found == {
        ("like", "happy"): "1", ("like", "shape"): "1", ("report", "unknown"): "1",
        ("like", "sequence"): "1", ("report", "sequence"): "1",
    }  # fmt: skip


def test_names_say_what_was_tested() -> None:
    limit = result("acks", "a_justification_may_be_as_long_as_the_limit", ("ack_disable", 400))
    assert ("ack_disable", "limits") in cells(limit)
    same = result("reports", "the_summary_agrees", ("report", 200), ("report_info", 200))
    assert ("report_info", "consistency") in cells(same)


def test_skipped_cases_have_reasons() -> None:
    skipped = Result(
        "acks", "improper_rules_are_refused", "", Outcome.SKIPPED, "needs --allow-writes",
        operations=("ack_disable",),
    )  # fmt: skip
    found = coverage.table([skipped])
    assert str(found["ack_disable"]["improper"]) == "skipped"
    reasons = coverage.skipped(found)
    assert reasons == {"needs --allow-writes": {"improper": ["ack_disable"]}}
    tested = result("acks", "improper_rules_are_refused", ("ack_disable", 400))
    assert coverage.skipped(coverage.table([skipped, tested])) == {}


def test_operations_of_a_case_are_those_that_it_names() -> None:
    assert {"dislike", "like", "report"} <= set(operations_of(votes.test_the_last_vote_wins))
    assert operations_of(organizations.test_organizations_are_ascending) == ("organizations",)
    assert "ack_disable" in operations_of(acks.test_acks_come_in_order)
    assert operations_of(about.test_a_metric_is_there, ("like",)) == ("like",)
    assert operations_of(None) == ()
