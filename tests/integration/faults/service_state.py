"""Metrics, readiness and responses of a running service."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from dataclasses import dataclass

from tests.integration.program import PREFIX, Program, until

# a response that takes longer counts as a hang
SECONDS = 10


async def answer(program: Program, path: str) -> tuple[int, str]:
    """Return status and text of the answer to a GET below the prefix; a leading / leaves it out."""
    place = path if path.startswith("/") else PREFIX + path
    url = f"http://127.0.0.1:{program.port}{place}"

    def fetch() -> tuple[int, str]:
        try:
            with urllib.request.urlopen(url, timeout=SECONDS) as found:
                return found.status, found.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    return await asyncio.to_thread(fetch)


async def put(program: Program, path: str) -> int:
    """Return the status of the answer to a PUT below the prefix."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{program.port}{PREFIX}{path}", method="PUT", data=b""
    )

    def send() -> int:
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as found:
                return int(found.status)
        except urllib.error.HTTPError as error:
            with error:
                return int(error.code)

    return await asyncio.to_thread(send)


async def metrics_of(program: Program) -> dict[str, float]:
    """Return the service's metrics by name and labels, in the text format of Prometheus."""
    status, text = await answer(program, "metrics")
    assert status == 200
    pairs = (line.rpartition(" ") for line in text.splitlines() if line and line[0] != "#")
    return {name: float(value) for name, _, value in pairs}


async def lag(program: Program) -> float:
    """Return the lag of the assigned partitions, summed."""
    seen = await metrics_of(program)
    return sum(value for name, value in seen.items() if name.startswith("consumer_lag{"))


async def paused(program: Program) -> bool:
    """Return True if metric and readiness report that consuming is paused."""
    seen = await metrics_of(program)
    waits = [value for name, value in seen.items() if name.startswith("paused{")]
    status, text = await answer(program, "/readyz")
    return waits == [1] and status == 503 and text != ""


async def ready(program: Program) -> bool:
    """Return True if metric and readiness report that the service consumes."""
    seen = await metrics_of(program)
    waits = [value for name, value in seen.items() if name.startswith("paused{")]
    status, _ = await answer(program, "/readyz")
    return waits == [0] and status == 200


async def becomes_paused(program: Program) -> str:
    """Wait until the service reports an outage; return the reason of /readyz."""
    await until(lambda: paused(program), 30)
    return (await answer(program, "/readyz"))[1]


async def becomes_ready(program: Program) -> None:
    """Wait until the service reports the end of the outage."""
    await until(lambda: ready(program), 60)


@dataclass(frozen=True)
class MessageCounts:
    """The messages by outcome, from the service's metrics."""

    consumed: int
    written: int
    old: int
    refused: int

    @classmethod
    async def of(cls, program: Program) -> MessageCounts:
        """Read the metrics and check that the outcomes add up."""
        seen = {name: int(value) for name, value in (await metrics_of(program)).items()}
        account = cls(
            seen["consumed_messages"],
            seen["written_reports"],
            seen["old_reports"],
            seen["consuming_errors"],
        )
        empty = seen["messages_with_empty_rule_execution_result"]
        kept = seen["successful_messages_processing_time_count"]
        assert kept == account.written + account.old + empty
        assert seen["failed_messages_processing_time_count"] == account.refused
        assert account.consumed == kept + account.refused
        return account
