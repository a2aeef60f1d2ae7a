"""Static members: the restart of one does not rebalance the group."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.integration.faults.backlog import backlog
from tests.integration.faults.service_state import MessageCounts, becomes_paused, becomes_ready
from tests.integration.program import Program, stop


def assignments(program: Program) -> int:
    """Return how often the group gave the service its partitions."""
    return (program.folder / "program.log").read_text().count("partitions assigned")


async def serve(program: Program, name: str) -> asyncio.subprocess.Process:
    """Start a service under a name, and wait until it has its partitions."""
    process = await program.serve(BROKER__GROUP_INSTANCE_ID=name, LOGGING__LOG_LEVEL="info")
    await becomes_ready(program)
    return process


async def test_a_restarted_member_gets_its_partitions_back(tmp_path: Path) -> None:
    async with backlog(tmp_path) as scene:
        staying, restarted = scene.service(), scene.service()
        processes = [await serve(staying, "one"), await serve(restarted, "two")]
        while assignments(staying) < 2:
            await asyncio.sleep(0.1)
        before = assignments(staying)
        assert await stop(processes[1]) == 0
        # its messages wait for it; it must be back before its session times out after 10 s
        filling = asyncio.ensure_future(scene.fill())
        processes[1] = await serve(restarted, "two")
        await filling
        await scene.consumed()
        assert assignments(staying) == before
        accounts = [await MessageCounts.of(program) for program in (staying, restarted)]
        assert all(account.written > 0 and account.refused == 0 for account in accounts)
        assert [await stop(process) for process in processes] == [0, 0]
        await scene.assert_newest_stored()
        assert await scene.letters() == []


async def test_two_services_under_one_name_do_not_expel_each_other(tmp_path: Path) -> None:
    async with backlog(tmp_path) as scene:
        first, second = scene.service(), scene.service()
        processes = [await serve(first, "one")]
        processes.append(await second.serve(BROKER__GROUP_INSTANCE_ID="one"))
        reason = await becomes_paused(first)
        assert "broker.group_instance_id 'one'" in reason
        assert f"'{scene.topic}.group'" in reason
        await becomes_ready(second)
        before = assignments(first)
        await scene.fill()
        await scene.consumed()
        # the older one has paused, and the newer one has all partitions
        assert (await MessageCounts.of(first)).consumed == 0
        assert assignments(first) == before
        assert await stop(processes[1]) == 0
        await becomes_ready(first)
        assert assignments(first) == before + 1
        assert (first.folder / "program.log").read_text().count("give each process a name") == 1
        assert await stop(processes[0]) == 0


async def test_a_fenced_service_stops_in_time(tmp_path: Path) -> None:
    async with backlog(tmp_path) as scene:
        first, second = scene.service(), scene.service()
        processes = [await serve(first, "one"), await serve(second, "one")]
        await becomes_paused(first)
        assert await stop(processes[0]) == 0
        await becomes_ready(second)
        assert await stop(processes[1]) == 0
