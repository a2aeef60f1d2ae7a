"""What a running service tells of itself: metrics, readiness, answers."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from dataclasses import dataclass

from tests.integration.program import PREFIX, Program, until

# an answer that takes longer is a hang
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


async def told(program: Program) -> dict[str, float]:
    """Return the service's metrics, those with labels too, by name and labels as they are told."""
    status, text = await answer(program, "metrics")
    assert status == 200
    pairs = (line.rpartition(" ") for line in text.splitlines() if line and line[0] != "#")
    return {name: float(value) for name, _, value in pairs}


async def lag(program: Program) -> float:
    """Return the sum of what the service says of the partitions it holds."""
    seen = await told(program)
    return sum(value for name, value in seen.items() if name.startswith("consumer_lag{"))


async def paused(program: Program) -> bool:
    """Say whether the service tells, in every way, that consuming waits."""
    seen = await told(program)
    waits = [value for name, value in seen.items() if name.startswith("paused{")]
    status, text = await answer(program, "/readyz")
    return waits == [1] and status == 503 and text != ""


async def ready(program: Program) -> bool:
    """Say whether the service tells, in every way, that it is at work."""
    seen = await told(program)
    waits = [value for name, value in seen.items() if name.startswith("paused{")]
    status, _ = await answer(program, "/readyz")
    return waits == [0] and status == 200


async def becomes_paused(program: Program) -> str:
    """Wait until the service tells of an outage; return what /readyz says of it."""
    await until(lambda: paused(program), 30)
    return (await answer(program, "/readyz"))[1]


async def becomes_ready(program: Program) -> None:
    """Wait until the service tells that the outage is over."""
    await until(lambda: ready(program), 60)


@dataclass(frozen=True)
class Account:
    """What became of the messages, by the service's metrics."""

    consumed: int
    written: int
    old: int
    refused: int

    @classmethod
    async def of(cls, program: Program) -> Account:
        """Read it, and check that nothing is unaccounted for."""
        seen = {name: int(value) for name, value in (await told(program)).items()}
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
