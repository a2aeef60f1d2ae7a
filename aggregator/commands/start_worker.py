"""`start-worker`: one of the processes that the service starts beside itself; not for people."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..config import Config
from ..errors import InvalidInput
from ..memory import spare_what_stays
from ..service import Service
from ..siblings import Place
from .start_service import end_on_signals, ended


def run(config: Config, argv: Sequence[str]) -> int:
    """Serve on the port given until told to stop, or until who started this is gone."""
    try:
        port, number, count = (int(text) for text in argv[:3])
        place = Place(number, count, Path(argv[3]))
    except (ValueError, IndexError):
        raise InvalidInput(
            "start-worker is for the service itself; see server.workers, and use start-service"
        ) from None
    host = config.server.address.rpartition(":")[0]
    own = replace(
        config,
        broker=replace(config.broker, enabled=False),
        server=replace(config.server, address=f"{host}:{port}"),
    )
    return ended(_serve(own, place))


async def _serve(config: Config, place: Place) -> int:
    service = Service(config, place)
    end_on_signals(service, told=False)
    loop = asyncio.get_running_loop()
    source = sys.stdin.fileno()

    def look() -> None:
        if not os.read(source, 1):
            loop.remove_reader(source)
            service.request_stop()

    loop.add_reader(source, look)
    try:
        await service.start()
        spare_what_stays()
        await service.wait()
    finally:
        await service.stop()
    return 0
