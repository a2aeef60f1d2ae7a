"""A very long backlog is consumed in little memory, which does not grow on the way."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import sqlalchemy as sa

from aggregator.db import tables as t
from aggregator.db.engine import open_url
from tests.databases import fresh_database
from tests.db.stores import migrated
from tests.integration.simulated import CLUSTERS
from tests.integration.test_main_job import count

MESSAGES = int(os.environ.get("FAULT_BACKLOG", "20000"))
MOST_MEGABYTES = 250
# between the third tenth and the last; caches and pools are full by the third
GROWTH_MEGABYTES = 20


async def test_a_long_backlog_takes_little_memory() -> None:
    async with fresh_database() as text:
        url = sa.make_url(text)
        await migrated(url)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.integration.simulated", str(MESSAGES), text,
            cwd=Path(__file__).parents[3], stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            out, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        assert process.returncode == 0
        told = json.loads(out.splitlines()[-1])
        print(told)
        engine = open_url(url)
        assert await count(engine, t.report) == min(MESSAGES, CLUSTERS)
        await engine.dispose()
        assert told["peak"] / 1024 < MOST_MEGABYTES
        assert (told["resident"][-1] - told["resident"][2]) / 1024 < GROWTH_MEGABYTES
