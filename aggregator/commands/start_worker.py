"""`start-worker`: a worker of the service, started by its first process; not for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..config.options import Config
from ..processes.ipc import WorkerSlot
from ..processes.memory import spare_what_stays
from ..service import Service
from .start_service import end_on_signals, ended


def run(config: Config, argv: Sequence[str]) -> int:
    """Serve on the port given until told to stop, or until the first process has ended."""
    port, number, count, fd = (int(text) for text in argv[:4])
    host = config.server.address.rpartition(":")[0]
    own = replace(
        config,
        broker=replace(config.broker, enabled=False),
        server=replace(config.server, address=f"{host}:{port}"),
    )
    return ended(_serve(own, WorkerSlot(number, count, fd)))


async def _serve(config: Config, slot: WorkerSlot) -> int:
    service = Service(config, slot)
    end_on_signals(service, told=False)
    try:
        await service.start()
        spare_what_stays()
        await service.wait()
    finally:
        await service.stop()
    return 0
