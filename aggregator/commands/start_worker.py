"""`start-worker`: a worker of the service, started by its first process; not for people."""

from __future__ import annotations

import argparse
from dataclasses import replace

from ..config.options import Config
from ..processes.deadline import Deadline
from ..processes.ipc import WorkerSlot
from ..processes.memory import spare_what_stays
from ..service import Service
from . import arguments
from .start_service import change_level_on_signal, end_on_signals, ended


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    arguments.describe(
        parser, "Serve as one of several processes; started by start-service, not by people."
    )
    parser.add_argument("slot", nargs="*", help="port, number, number of processes, socket")


def run(config: Config, options: argparse.Namespace) -> int:
    """Serve on the port given until told to stop, or until the first process has ended."""
    port, number, count, fd = (int(text) for text in options.slot[:4])
    host = config.server.address.rpartition(":")[0]
    own = replace(
        config,
        broker=replace(config.broker, enabled=False),
        server=replace(config.server, address=f"{host}:{port}"),
    )
    return ended(_serve(own, WorkerSlot(number, count, fd)))


async def _serve(config: Config, slot: WorkerSlot) -> int:
    service = Service(config, slot)
    end_on_signals(service, Deadline(), told=False)
    change_level_on_signal()
    try:
        await service.start()
        spare_what_stays()
        await service.wait()
    finally:
        await service.stop()
    return 0
