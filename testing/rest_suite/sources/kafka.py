"""--data kafka://: sends organizations of its own the real way, and waits until they are there."""

from __future__ import annotations

import json
import random
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ...messages import dvo_messages, ocp_messages
from ...packages import MissingPackage, of_testing
from ..api import Api
from ..checks import CheckFailed
from ..data import (
    Cluster,
    Hit,
    Inventory,
    Organization,
    Workload,
)
from ..probe import Unreachable, UsageError

ORGANIZATIONS = 2
CLUSTERS = 12
CONNECT_SECONDS = 10.0
SEND_SECONDS = 30.0
WAIT_SECONDS = 60.0
LOOK_SECONDS = 0.25
# above the organizations that exist, below what 32 bits hold with a sign
FIRST, LAST = 1_900_000_000, 1_999_999_000
FORM = "kafka://HOST:PORT/TOPIC[?dvo=TOPIC]"

# what is lost when a document is not kept as it came
ANY_VALUES = {
    "large": 12345678901234567890,
    "fractions": [0.1, 1e-7, 1.5e300],
    "nothing": {"null": None, "list": [], "object": {}, "text": ""},
    "letters": "\"<b>&'\\ \t\n\u00e9 \u2028 \U0001f600",
}

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Topics:
    """Where messages go; `dvo` is empty when no workloads are sent."""

    brokers: str
    ocp: str
    dvo: str = ""


def parse(url: str) -> Topics:
    """Return what the URL of --data names; raise UsageError."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    topic = parts.path.strip("/")
    if parts.scheme != "kafka" or not parts.netloc or not topic or set(query) - {"dvo"}:
        raise UsageError(f"--data: {FORM} expected, not '{url}'")
    return Topics(parts.netloc, topic, query.get("dvo", [""])[0])


def produced(api: Api, topics: Topics) -> Inventory:
    """Send messages and return what they hold, once all of it can be read.

    Raises UsageError when the broker takes nothing, Unreachable when the instance shows nothing.
    """
    ocp, dvo = messages(random.SystemRandom().getrandbits(32), api.organization)
    _send(topics.brokers, topics.ocp, ocp)
    if topics.dvo:
        _send(topics.brokers, topics.dvo, dvo)
    found = inventory(ocp, dvo if topics.dvo else [], f"sent to {topics.ocp}")
    _wait(api, found, topics)
    return found


def messages(seed: int, organization: int | None = None) -> tuple[list[Message], list[Message]]:
    """Return a first report and the workloads of each cluster; one report has no hits."""
    now = datetime.now(UTC) - timedelta(minutes=1)
    numbers = range(FIRST, LAST - ORGANIZATIONS)
    first = organization or random.Random(seed).choice(numbers)
    several = 1 if organization else ORGANIZATIONS
    kinds = []
    for make in (ocp_messages, dvo_messages):
        made = make(seed, clusters=CLUSTERS, organizations=several, start=now)
        kinds.append([_moved(json.loads(text), first) for text in islice(made, CLUSTERS)])
    ocp, dvo = kinds
    ocp[0]["Report"]["reports"] = []
    for message in ocp[1:]:
        for hit in message["Report"]["reports"]:
            hit["details"].update(ANY_VALUES)
    return ocp, dvo


def inventory(ocp: list[Message], dvo: list[Message], source: str) -> Inventory:
    """Return what messages hold, as the instance must have it."""
    numbers = sorted({message["OrgID"] for message in ocp})
    return Inventory(
        tuple(
            Organization(
                number,
                tuple(_cluster(message) for message in ocp if message["OrgID"] == number),
                tuple(_workloads(dvo, number)),
            )
            for number in numbers
        ),
        source,
        certain=True,
        produced=tuple(ocp),
        produced_workloads=tuple(dvo),
    )


def _moved(message: Message, first: int) -> Message:
    """Return a message of the generator as one of our organizations, which it numbers from 1001."""
    return {**message, "OrgID": first + message["OrgID"] - 1001}


def _cluster(message: Message) -> Cluster:
    number, name = message["OrgID"], message["ClusterName"]
    hits = tuple(
        Hit(number, name, hit["component"], hit["key"]) for hit in message["Report"]["reports"]
    )
    return Cluster(number, name, hits)


def _workloads(dvo: list[Message], number: int) -> Iterator[Workload]:
    for message in dvo:
        if message["OrgID"] == number:
            items = message["Metrics"]["workload_recommendations"]
            spaces = {work["namespace_uid"]: 0 for item in items for work in item["workloads"]}
            yield from (Workload(number, message["ClusterName"], space) for space in spaces)


def _send(brokers: str, topic: str, items: list[Message]) -> None:
    """Send to a topic; raise UsageError when the broker does not take all."""
    try:
        with of_testing():
            from confluent_kafka import KafkaException, Producer
    except MissingPackage as error:
        raise UsageError(f"--data kafka://: {error}") from None
    errors: list[str] = []

    def delivered(error: object, _: object) -> None:
        if error:
            errors.append(str(error))

    producer = Producer(
        {"bootstrap.servers": brokers, "message.timeout.ms": int(SEND_SECONDS * 1000)},
        logger=_Silent(),
    )
    try:
        producer.list_topics(topic, CONNECT_SECONDS)
        for item in items:
            producer.produce(topic, json.dumps(item).encode(), on_delivery=delivered)
        left = producer.flush(SEND_SECONDS + 1)
    except (KafkaException, BufferError) as error:
        raise UsageError(f"--data: cannot send to '{topic}' at {brokers}: {error}") from None
    if errors or left:
        reason = errors[0] if errors else f"{left} messages not taken"
        raise UsageError(f"--data: cannot send to '{topic}' at {brokers}: {reason}")


class _Silent:
    """A logger that drops what the client library says; its errors come with the deliveries."""

    def log(self, *_: object) -> None:
        """Drop a line."""


def _wait(api: Api, found: Inventory, topics: Topics) -> None:
    """Ask for what was sent until it is there; raise Unreachable when that takes too long."""
    end = time.monotonic() + WAIT_SECONDS
    waiting = deque(found.clusters)
    spaces = deque(work for organization in found.organizations for work in organization.workloads)
    while waiting or spaces:
        if time.monotonic() > end:
            raise Unreachable(
                f"--data: {len(waiting)} of {CLUSTERS} clusters sent to '{topics.ocp}' and "
                f"{len(spaces)} namespaces are not readable after {WAIT_SECONDS:.0f} s: "
                "does the instance read that topic?"
            )
        while waiting and _is_there(api, waiting[0]):
            waiting.popleft()
        while spaces and _has_workloads(api, spaces[0]):
            spaces.popleft()
        if waiting or spaces:
            time.sleep(LOOK_SECONDS)


def _is_there(api: Api, cluster: Cluster) -> bool:
    """Say whether a report can be read; a refusal will not get better by waiting."""
    asked = api.call("report", org_id=cluster.org_id, cluster=cluster.name, user_id="rest-suite")
    if asked.status not in (200, 404):
        raise CheckFailed(f"--data: {asked.place}: {asked.text[:200]}")
    return asked.status == 200


def _has_workloads(api: Api, work: Workload) -> bool:
    asked = api.call(
        "namespace_workloads", org_id=work.org_id, cluster=work.cluster, namespace=work.namespace
    )
    return asked.status == 200
