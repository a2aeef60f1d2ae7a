"""Services that are killed, stopped and added while they consume."""

from __future__ import annotations

import asyncio
import itertools
import signal
from pathlib import Path

import sqlalchemy as sa

from aggregator.db import tables as t
from tests.integration.faults.backlog import MESSAGES, backlog
from tests.integration.program import stop
from tests.integration.test_main_job import cluster, count

BAD = Path(__file__).parents[3] / "fixtures" / "messages" / "bad"
# the time in which a desktop machine consumes part of the backlog
BETWEEN_KILLS = 3 * MESSAGES / 20_000


async def test_repeated_kills_lose_nothing(tmp_path: Path) -> None:
    async with backlog(tmp_path) as scene:
        await scene.fill()
        programs = [scene.service() for _ in range(3)]
        running = [await program.serve() for program in programs]
        consumed = asyncio.ensure_future(scene.consumed())
        for turn in itertools.cycle(range(3)):
            done, _ = await asyncio.wait([consumed], timeout=BETWEEN_KILLS)
            if done:
                break
            assert await stop(running[turn], signal.SIGKILL) == -signal.SIGKILL
            running[turn] = await programs[turn].serve()
        await consumed
        assert [await stop(process) for process in running] == [0, 0, 0]
        await scene.assert_newest_stored()
        assert await scene.letters() == []
        assert await count(scene.engine, t.consumer_error) == 0


async def test_services_join_and_leave_under_load(tmp_path: Path) -> None:
    async with backlog(tmp_path) as scene:
        await scene.fill()
        first = await scene.service().serve()
        await scene.begun()
        second, third = [await scene.service().serve() for _ in range(2)]
        assert await stop(first) == 0
        await asyncio.sleep(BETWEEN_KILLS)
        assert await stop(second) == 0
        fourth = await scene.service().serve()
        await scene.consumed()
        assert [await stop(third), await stop(fourth)] == [0, 0]
        await scene.assert_newest_stored()
        assert await scene.letters() == []


async def test_restart_resumes_a_backlog(tmp_path: Path) -> None:
    async with backlog(tmp_path) as scene:
        await scene.fill()
        program = scene.service()
        process = await program.serve()
        await scene.begun()
        assert await stop(process) == 0
        assert await scene.letters() == []
        process = await program.serve()
        await scene.consumed()
        await scene.assert_accounted_for(program)
        assert await stop(process) == 0
        await scene.assert_newest_stored()


async def test_invalid_messages_become_dead_letters(tmp_path: Path) -> None:
    async with backlog(tmp_path) as scene:
        kinds = itertools.cycle([path.read_bytes() for path in sorted(BAD.iterdir())])
        bad = [(at, next(kinds)) for at in range(0, MESSAGES, 20)]
        await scene.fill(bad)
        program = scene.service()
        process = await program.serve()
        await scene.consumed()
        account = await scene.assert_accounted_for(program, refused=len(bad))
        assert await stop(process) == 0
        await scene.assert_newest_stored()
        letters = await scene.letters()
        assert sorted(letter.value for letter in letters) == sorted(value for _, value in bad)
        assert account.consumed == scene.produced
        assert account.written == MESSAGES


async def test_a_rejected_record_becomes_a_dead_letter_and_the_others_are_stored(
    tmp_path: Path,
) -> None:
    async with backlog(tmp_path) as scene:
        async with scene.engine.begin() as conn:
            await conn.execute(
                sa.DDL(
                    "ALTER TABLE report ADD CONSTRAINT poison CHECK (cluster <> '%(name)s')",
                    context={"name": cluster(17)},
                )
            )
        await scene.fill()
        program = scene.service()
        process = await program.serve()
        await scene.consumed()
        account = await scene.assert_accounted_for(program, refused=2)
        assert await stop(process) == 0
        await scene.assert_newest_stored(without=[17])
        assert account.written == MESSAGES - 2
