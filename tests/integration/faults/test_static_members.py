"""Members with names of their own: a restart of one disturbs nobody else."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.integration.faults.backlog import backlog
from tests.integration.faults.watching import Account, becomes_ready
from tests.integration.program import Program, stop


def assignments(program: Program) -> int:
    """Return how often the group gave the service its partitions."""
    return (program.folder / "program.log").read_text().count("partitions are assigned")


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
        # what comes for it meanwhile waits for it
        await scene.fill()
        processes[1] = await serve(restarted, "two")
        await scene.consumed()
        assert assignments(staying) == before
        accounts = [await Account.of(program) for program in (staying, restarted)]
        assert all(account.written > 0 and account.refused == 0 for account in accounts)
        assert [await stop(process) for process in processes] == [0, 0]
        await scene.assert_newest_stored()
        assert await scene.letters() == []
