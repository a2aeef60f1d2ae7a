"""A fixed sample of mutants, each of which the REST suite kills on the mock server."""

from __future__ import annotations

import json
from pathlib import Path

from tests.mutation.mutants.catalog import all_mutants
from tests.mutation.runner import PASSED, main

SAMPLE = (
    "report: 200 becomes 500",
    "redirects lead nowhere",
    "report: closes the connection",
    "clusters_detail: times have an offset (clusters.*.impacted)",
    "recommendations: recommendations: somebody else's beside",
    "reports: errors: null for nothing, nothing for null",
    "report: report.meta.count has another value",
    "disable: answers and does nothing",
    "dislike: for another user_id",
    "acks: stale",
    "like: does disable, too",
)


# the groups that kill them, and no other, to save time
GROUPS = (
    "reports", "clusters_detail", "recommendations", "votes", "toggles", "acks", "isolation",
    "requests.another_form_of_a_path*",
)  # fmt: skip


def test_suite_kills_the_fixed_sample(aggregator_mock: str, tmp_path: Path) -> None:
    assert set(SAMPLE) <= {mutant.name for mutant in all_mutants()}
    file = tmp_path / "mutation.json"
    patterns = [word for name in SAMPLE for word in ("--mutants", name)]
    patterns += [word for group in GROUPS for word in ("--only", group)]
    status = main([
        "--url", aggregator_mock, *patterns, "--data", "fixtures", "--allow-writes",
        "--budget", "off", "--fail-under", "100", "--json", str(file),
    ])  # fmt: skip
    trials = json.loads(file.read_text())["trials"]
    assert [trial["name"] for trial in trials if not trial["killed"]] == []
    assert status == PASSED
    assert {trial["name"] for trial in trials} == set(SAMPLE)
