"""The mock server answers as testers know it: empty, changing, failing and static clusters."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import requests

from testing.fixtures import fixtures_dir
from testing.mocks.canned import (
    CHANGING,
    EMPTY,
    ORGANIZATION,
    STATIC,
    demanded_status,
)
from testing.mocks.clock import Clock
from testing.mocks.server import main, mock_server
from testing.mocks.thread import in_thread
from testing.seed import Seed

FAILING = "ffffffff-ffff-ffff-ffff-000000000"


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock(datetime(2026, 5, 1, 10, 7))


@pytest.fixture(scope="module")
def url(clock: Clock) -> Iterator[str]:
    seed = Seed.read(fixtures_dir() / "seed.json")
    with in_thread(mock_server(seed=seed, clock=clock)) as address:
        yield address


def _report(url: str, org: int, cluster: str) -> dict[str, Any]:
    path = f"organizations/{org}/clusters/{cluster}/users/ann/report"
    response = requests.get(url + path, timeout=10)
    assert response.status_code == 200
    report: dict[str, Any] = response.json()["report"]
    return report


def _hits(url: str, cluster: str) -> set[tuple[str, str]]:
    report = _report(url, ORGANIZATION, cluster)
    return {(hit["component"], hit["key"]) for hit in report["reports"]}


@pytest.mark.parametrize("status", [200, 201, 204, 301, 304, 400, 401, 404, 418, 500, 503, 599])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_failing_cluster_answers_with_the_status_in_its_name(
    url: str, status: int, method: str
) -> None:
    path = f"organizations/1/clusters/{FAILING}{status}/users/ann/report"
    response = requests.request(method, url + path, timeout=10, allow_redirects=False)
    assert response.status_code == status
    if status in (204, 304):
        assert not response.content
    else:
        assert response.json()["status"]


@pytest.mark.parametrize("name", [FAILING + "000", FAILING + "199", FAILING + "600"])
def test_what_is_no_status_of_an_answer_is_just_an_unknown_cluster(url: str, name: str) -> None:
    response = requests.get(f"{url}organizations/1/clusters/{name}/users/ann/report", timeout=10)
    assert response.status_code == 404
    assert name in response.json()["status"]


def test_the_status_is_asked_for_by_a_whole_name() -> None:
    assert demanded_status(f"/clusters/{FAILING}4041/report") is None
    assert demanded_status(f"/clusters/a,{FAILING}404,b/reports") == 404
    assert demanded_status("/organizations/119401710/clusters") is None


def test_one_organization_is_listed_and_forbidden(url: str) -> None:
    listed = requests.get(f"{url}organizations", timeout=10).json()["organizations"]
    assert {1, 2, 3, 11789772, 11940171} <= set(listed)
    text = "You have no permissions to get or change info about this organization"
    for path in ("organizations/11940171/clusters", "organization/11940171/workloads"):
        response = requests.get(url + path, timeout=10)
        assert response.status_code == 403
        assert response.json() == {"status": text}


def test_a_failing_cluster_of_the_forbidden_organization_says_its_own_status(url: str) -> None:
    path = f"organizations/11940171/clusters/{FAILING}403/users/ann/report"
    response = requests.get(url + path, timeout=10)
    assert (response.status_code, response.json()) == (403, {"status": "Forbidden"})


@pytest.mark.parametrize(("org", "cluster"), EMPTY.items())
def test_an_empty_cluster_has_a_report_without_hits(url: str, org: int, cluster: str) -> None:
    assert _report(url, org, cluster)["reports"] == []


EVERY_KEY = {
    "AUTH_OPERATOR_PROXY_ERROR",
    "BUGZILLA_BUG_1766907",
    "BUGZILLA_BUG_1821905",
    "NODES_MINIMUM_REQUIREMENTS_NOT_MET",
    "NODE_INSTALLER_DEGRADED",
    "SAMPLES_FAILED_IMAGE_IMPORT_ERR",
    "TUTORIAL_ERROR",
}


@pytest.mark.parametrize(
    ("org", "cluster", "keys"),
    [
        (11789772, "34c3ecc5-624a-49a5-bab8-4fdc5e51a266", EVERY_KEY),
        (11789772, "74ae54aa-6577-4e80-85e7-697cb646ff37", EVERY_KEY),
        (11789772, "a7467445-8d6a-43cc-b82c-7007664bdf69", EVERY_KEY),
        (11789772, "ee7d2bf4-8933-4a3a-8634-3328fe806e08", {"TUTORIAL_ERROR"}),
        (11789772, "34c3ecc5-624a-49a5-bab8-4fdc5e51a267", EVERY_KEY - {"NODE_INSTALLER_DEGRADED"}),
        (11789772, "34c3ecc5-624a-49a5-bab8-4fdc5e51a268", EVERY_KEY - {"TUTORIAL_ERROR"}),
        (
            11789772,
            "34c3ecc5-624a-49a5-bab8-4fdc5e51a26d",
            {
                "BUGZILLA_BUG_1766907",
                "NODES_MINIMUM_REQUIREMENTS_NOT_MET",
                "SAMPLES_FAILED_IMAGE_IMPORT_ERR",
            },
        ),
        (1, "00000001-624a-49a5-bab8-4fdc5e51a26f", {"NODES_MINIMUM_REQUIREMENTS_NOT_MET"}),
        (1, "00000001-6577-4e80-85e7-697cb646ff37", EVERY_KEY),
        (2, "00000002-8933-4a3a-8634-3328fe806e08", {"TUTORIAL_ERROR"}),
        (3, "00000003-8d6a-43cc-b82c-7007664bdf69", EVERY_KEY),
    ],
)
def test_static_clusters_have_the_hits_that_testers_know(
    url: str, org: int, cluster: str, keys: set[str]
) -> None:
    report = _report(url, org, cluster)
    assert {hit["key"] for hit in report["reports"]} == keys
    assert report["meta"]["count"] == len(keys)


@pytest.mark.parametrize("org", STATIC)
def test_static_clusters_are_listed_and_have_hits(url: str, org: int) -> None:
    listed = requests.get(f"{url}organizations/{org}/clusters", timeout=10).json()["clusters"]
    assert set(STATIC[org]) <= set(listed)
    assert all(_report(url, org, cluster)["reports"] for cluster in STATIC[org])


@pytest.mark.parametrize("cluster", CHANGING)
def test_a_changing_cluster_takes_its_turns_with_the_quarters_of_the_hour(
    url: str, clock: Clock, cluster: str
) -> None:
    # the module's clock only goes forward
    clock.set((clock() + timedelta(hours=1)).replace(minute=0))
    for turn in (0, 1, 2, 0):
        model = CHANGING[cluster][turn]
        assert _hits(url, cluster) == _hits(url, model)
        clock.advance(timedelta(minutes=14, seconds=59))
        assert _hits(url, cluster) == _hits(url, model)
        clock.advance(timedelta(seconds=1))


def test_a_changing_cluster_is_checked_when_its_quarter_begins(url: str, clock: Clock) -> None:
    clock.set((clock() + timedelta(hours=1)).replace(minute=44))
    began = clock().replace(minute=30, second=0).isoformat() + "Z"
    report = _report(url, ORGANIZATION, next(iter(CHANGING)))
    assert report["meta"]["last_checked_at"] == began


def test_the_seed_is_served_too_and_can_be_voted_on(url: str) -> None:
    seed = json.loads((fixtures_dir() / "seed.json").read_bytes())["organizations"][0]
    org, cluster = seed["org_id"], seed["clusters"][0]
    (first, *_) = cluster["hits"]
    voter = f"organizations/{org}/users/ann"
    hit = f"clusters/{cluster['cluster']}/rules/{first['rule_id']}/error_key/{first['error_key']}"
    assert requests.put(f"{url}{hit}/{voter}/like", timeout=10).status_code == 200
    shown = _report(url, org, cluster["cluster"])["reports"]
    assert [one["user_vote"] for one in shown if one["key"] == first["error_key"]] == [1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_ends_in_peace(number: int) -> None:
    command = [sys.executable, "-m", "testing.mocks.server", "--port", "0", "--prefix", "/v1/"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        (address,) = [word for word in line.split() if word.startswith("http://")]
        assert address.endswith("/v1/")
        assert requests.get(address, timeout=10).json() == {"status": "ok"}
        os.kill(process.pid, number)
        rest, errors = process.communicate(timeout=20)
    assert (process.returncode, rest, errors) == (0, "", "")


def test_a_port_that_is_taken_is_named(url: str) -> None:
    port = url.split(":")[2].split("/")[0]
    command = [sys.executable, "-m", "testing.mocks.server", "--port", port]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert done.stderr == f"mock server: port {port}: Address already in use\n"


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--port", "65536"], "0 to 65535 expected, not '65536'"),
        (["--prefix", "v1"], "a path with a slash at both ends expected, not 'v1'"),
    ],
)
def test_a_wrong_option_is_a_matter_of_usage(
    options: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(options)
    assert caught.value.code == 2
    assert complaint in capsys.readouterr().err


def test_info_says_that_it_is_a_mock(url: str) -> None:
    assert requests.get(url + "info", timeout=10).json()["info"]["BuildBranch"] == "mock server"


def test_answers_may_be_late() -> None:
    with in_thread(mock_server(latency=0.2)) as address:
        for path in ("", "organizations", "no-such-path", f"organizations/1/clusters/{FAILING}503"):
            answer = requests.get(address + path, timeout=10)
            assert answer.elapsed.total_seconds() >= 0.2


@pytest.mark.parametrize(("share", "statuses"), [(0.0, {200}), (0.5, {200, 500}), (1.0, {500})])
def test_answers_may_be_errors(share: float, statuses: set[int]) -> None:
    with in_thread(mock_server(errors=share)) as address:
        found = {requests.get(address, timeout=10).status_code for _ in range(50)}
    assert found == statuses


@pytest.mark.parametrize("words", [["--latency", "-1"], ["--latency", "x"], ["--errors", "2"],
                                   ["--errors", "200%"], ["--errors", "x%"]])  # fmt: skip
def test_latency_and_errors_are_checked(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(words)
    assert f"'{words[1]}'" in capsys.readouterr().err
