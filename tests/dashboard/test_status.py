"""The status document: figures of the metrics, states of dependencies, several processes."""

from __future__ import annotations

import asyncio
import json
import math
import socket
from dataclasses import replace
from datetime import datetime

import pytest

from aggregator.config.options import Config
from aggregator.dashboard import figures
from aggregator.dashboard.dependencies import Dependencies
from aggregator.dashboard.recorder import INVALID_KEPT, STEPS, Recorder
from aggregator.dashboard.status import Status
from aggregator.errors import Unavailable
from aggregator.ingest.consumer import ConsumerStatus
from aggregator.ingest.retry import State
from aggregator.metrics import Metrics
from aggregator.processes.ipc import FirstProcess, WorkerProcess
from tests.dashboard.outcomes import outcome

NOON = datetime(2026, 1, 1, 12)
ENDPOINT = "/api/v1/organizations"


class Consumers:
    """Consumers that are what a test says."""

    def __init__(self, *consumers: ConsumerStatus) -> None:
        self.consumers = list(consumers)

    def status(self) -> list[ConsumerStatus]:
        """Return their states."""
        return self.consumers

    async def lag(self) -> dict[str, dict[int, int]]:
        """Return a lag."""
        return {"ocp": {0: 3, 1: 0}}


def consuming(reason: str = "", *, assigned: bool = True) -> ConsumerStatus:
    """Return the state of a consumer, paused for this reason if there is one."""
    return ConsumerStatus(
        "ocp", "group", assigned, State(bool(reason), reason, NOON if reason else None)
    )


def configured(**broker: object) -> Config:
    """Return a configuration with the broker enabled."""
    config = Config()
    return replace(config, broker=replace(config.broker, enabled=True, **broker))


def status_of(
    config: Config, metrics: Metrics, processes: FirstProcess, *consumers: ConsumerStatus
) -> Status:
    """Return the status of a service that is made of these."""
    ingest = Consumers(*consumers)
    return Status(config, metrics, processes, ingest, Recorder(), Dependencies(config, {}))


@pytest.mark.parametrize(
    ("share", "seconds"), [(0.25, 0.05), (0.5, 0.1), (0.99, 0.198), (1.0, 0.2)]
)
def test_a_quantile_is_interpolated_in_its_bucket(share: float, seconds: float) -> None:
    buckets = {0.1: 50.0, 0.2: 100.0, math.inf: 100.0}
    assert figures.quantile(buckets, share) == pytest.approx(seconds)


def test_a_quantile_beyond_the_last_bound_is_that_bound() -> None:
    assert figures.quantile({0.1: 0.0, math.inf: 4.0}, 0.5) == 0.1
    assert figures.quantile({}, 0.5) is None
    assert figures.quantile({0.1: 0.0, math.inf: 0.0}, 0.5) is None


def test_totals_add_up_processes_whatever_the_namespace() -> None:
    totals = figures.Totals()
    for _ in range(2):
        metrics = Metrics("some")
        metrics.consumed_messages.inc(3)
        metrics.refused_messages.labels("json").inc()
        metrics.request_started(ENDPOINT)
        metrics.request_finished(ENDPOINT, 404, 0.02)
        totals.add(metrics.snapshot(), "some")
    assert totals.counters["consumed"] == 6
    assert totals.kinds == {"json": 2}
    assert totals.statuses == {(ENDPOINT, "404"): 2}
    (one,) = figures.endpoints(totals, figures.Totals())
    assert one["total"] == 2
    assert one["rate"] is None
    assert 0.01 < one["p50"] < 0.025


def test_rates_are_of_the_time_between_two_looks() -> None:
    metrics = Metrics()
    before, now = figures.Totals(at=100.0), figures.Totals(at=110.0)
    metrics.request_started(ENDPOINT)
    metrics.request_finished(ENDPOINT, 200, 9.0)
    before.add(metrics.snapshot(), "")
    for _ in range(5):
        metrics.request_started(ENDPOINT)
        metrics.request_finished(ENDPOINT, 200, 0.002)
    now.add(metrics.snapshot(), "")
    (one,) = figures.endpoints(now, before)
    assert (one["rate"], one["total"], one["statuses"]) == (0.5, 6, {"200": 6})
    assert one["p99"] < 0.0025


def test_the_recorder_keeps_fifteen_minutes_and_the_last_invalid_messages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1_000_000.0
    monkeypatch.setattr("aggregator.dashboard.recorder.time.time", lambda: now)
    recorder = Recorder()
    recorder.processed([outcome(), outcome(1, kind="json", error="no")], 0.1)
    now += 900
    recorder.processed([outcome(2)], 0.1)
    series = recorder.series()
    assert len(series["messages"]) == len(series["invalid"]) == STEPS
    assert (sum(series["messages"]), series["messages"][-1]) == (1, 1)
    now += 10_000
    assert sum(recorder.series()["messages"]) == 0
    for offset in range(INVALID_KEPT + 5):
        recorder.processed([outcome(offset, kind="json", error="x" * 10_000)], 0.1)
    kept = recorder.invalid()
    assert [one["offset"] for one in kept] == list(range(INVALID_KEPT + 4, 4, -1))
    assert len(kept[0]["reason"]) == 500


async def test_a_message_is_followed_to_its_outcome() -> None:
    recorder = Recorder(follow=True)
    waiting = asyncio.create_task(recorder.outcome(("ocp", 0, 7), 10))
    await asyncio.sleep(0)
    recorder.processed([outcome(7, stored=True)], 0.25)
    found = await waiting
    assert found is not None
    assert (found["state"], found["batch_seconds"]) == ("stored", 0.25)
    assert await recorder.outcome(("ocp", 0, 7), 0) == found
    assert await recorder.outcome(("ocp", 0, 8), 0.01) is None
    assert not recorder._waiting


@pytest.mark.parametrize(
    ("consumer", "broker", "tracker"),
    [
        (consuming(), "up", "up"),
        (consuming(assigned=False), "unknown", "unknown"),
        (consuming("database: connection refused"), "up", "up"),
        (consuming("broker: does not answer"), "down", "unknown"),
        (consuming("broker: topic 'tracker': not authorized"), "up", "down"),
        (consuming("broker: payload tracker: no answer in 5 s"), "up", "down"),
    ],
)
async def test_states_follow_what_ingest_waits_for(
    consumer: ConsumerStatus, broker: str, tracker: str
) -> None:
    dependencies = Dependencies(configured(payload_tracker_topic="tracker"), {})
    await dependencies.refresh([consumer])
    found = {one["name"]: one for one in dependencies.documents()}
    assert (found["broker"]["state"], found["tracker"]["state"]) == (broker, tracker)
    assert (found["database"]["state"], found["redis"]["state"]) == ("off", "off")
    for one in found.values():
        if one["state"] == "down":
            assert (one["since"], one["exact"]) == ("2026-01-01T12:00:00Z", True)


async def test_a_dependency_that_is_asked_changes_its_state() -> None:
    answers: list[Exception | None] = [None, Unavailable("database: gone"), None]

    async def ask() -> None:
        if error := answers.pop(0):
            raise error

    dependencies = Dependencies(Config(), {"database": ask})
    seen = []
    for _ in range(3):
        await dependencies.refresh([])
        database = dependencies.documents()[0]
        seen.append((database["state"], database["reason"], database["exact"]))
    assert seen == [("up", "", False), ("down", "database: gone", True), ("up", "", True)]


async def test_a_second_question_within_the_second_is_answered_with_the_same_document() -> None:
    metrics = Metrics()
    status = status_of(Config(), metrics, FirstProcess(metrics, lambda: ""))
    first = await asyncio.gather(*(status.document() for _ in range(4)))
    assert len(set(first)) == 1
    await status.close()


async def test_a_worker_shows_the_status_of_all_processes() -> None:
    config, own, workers = configured(), Metrics(), Metrics()
    first = FirstProcess(own, lambda: "")
    status = status_of(config, own, first, consuming())
    first.provide_status(status.document)
    ours, theirs = socket.socketpair()
    await first.add(1, ours)
    worker = WorkerProcess(workers, theirs.detach())
    await worker.open(lambda: None)
    workers.request_started(ENDPOINT)
    workers.request_finished(ENDPOINT, 200, 0.01)
    own.consumed_messages.inc(2)
    document = json.loads(await worker.status())
    assert [one["number"] for one in document["workers"]] == [0, 1]
    assert all(one["memory"] > 1_000_000 for one in document["workers"])
    assert document["rest"]["endpoints"][0]["total"] == 1
    assert document["ingest"]["totals"]["consumed"] == 2
    assert document["ingest"]["lag"][0] == {"topic": "ocp", "partition": 0, "lag": 3}
    await worker.close()
    await first.close()
    await status.close()


async def test_without_a_dashboard_a_worker_is_told_so() -> None:
    first = FirstProcess(Metrics(), lambda: "")
    with pytest.raises(Unavailable, match=r"server\.dashboard"):
        await first.status()
