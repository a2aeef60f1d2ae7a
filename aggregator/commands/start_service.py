"""`start-service`: serve until a signal comes; every way to end has its exit status."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
from collections.abc import Callable, Coroutine

from .. import logs
from ..config.options import BACKENDS, Config
from ..errors import (
    AggregatorError,
    CannotListen,
    ConfigError,
    SchemaMismatch,
    Unavailable,
    UnusableBackend,
    UnusableFile,
    UnusableStorage,
)
from ..masking import mask_text
from ..processes import streams
from ..processes.deadline import Deadline
from ..processes.ipc import FirstProcess, WorkerSlot
from ..processes.memory import give_back_large_blocks, spare_what_stays
from ..processes.workers import Workers, wanted
from ..service import Service
from . import arguments, print_version_info, startup

log = logging.getLogger(__name__)

GENERAL_FAILURE, PREPARE_FAILED, CONSUMER_FAILED = 1, 2, 3
BAD_CONFIG = 2
STATUS = """\
Exit status: 0 after SIGTERM or SIGINT, 1 address, file or storage_backend.use not usable,
2 configuration or database not usable, 3 the consumer failed."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    arguments.describe(
        parser,
        "Serve the REST API and, with broker.enabled, consume the topic, until SIGTERM or SIGINT. "
        "SIGUSR1 switches the log level between debug and the configured one. "
        "This is what the program does without a command. Arguments are ignored.",
        "start-service",
        status=STATUS,
    )


def run(config: Config, _options: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT; return the exit status of contract config-cli 5."""
    print_version_info.log_build()
    for line in config.retired:
        log.warning("configuration: %s", line)
    if not config.broker.enabled and not set(config.storage_backend.use) <= set(BACKENDS):
        # with the broker it is for ingest to refuse it, with the Go service's text and status
        return PREPARE_FAILED
    return ended(_serve(config))


def ended(serving: Coroutine[None, None, int]) -> int:
    """Serve in a loop; return the exit status of however that ended."""
    give_back_large_blocks()
    try:
        return _loop_runner()(serving)
    except UnusableFile as error:
        log.critical("%s", error)
        return GENERAL_FAILURE
    except UnusableBackend as error:
        log.error(
            "No backend storage or incompatible one selected. Exitting",
            extra={"fields": {"error": str(error)}},
        )
        return GENERAL_FAILURE
    except (SchemaMismatch, Unavailable, UnusableStorage) as error:
        log.error("%s", error)
        log.error("database preparation exited with error code %d", PREPARE_FAILED)
        return PREPARE_FAILED
    except ConfigError as error:
        log.error("configuration: %s", mask_text(str(error)))
        return BAD_CONFIG
    except CannotListen as error:
        log.error("%s", error)
        return GENERAL_FAILURE
    except AggregatorError as error:
        log.error("%s", error)
        return CONSUMER_FAILED


async def _serve(config: Config) -> int:
    count = wanted(config)
    service = Service(config, WorkerSlot(count=count))
    # for mypy: the slot is that of the first process
    assert isinstance(service.processes, FirstProcess)  # noqa: S101
    workers = Workers(config, count, service.processes)
    deadline = Deadline()
    end_on_signals(service, deadline)
    change_level_on_signal(workers)
    try:
        await service.start()
        startup.announce(config, service, count)
        spare_what_stays()
        workers.start(service.port)
        await service.wait()
    except BaseException:
        deadline.start(CONSUMER_FAILED)
        raise
    finally:
        await asyncio.gather(workers.stop(), service.stop())
    return 0


def end_on_signals(service: Service, deadline: Deadline, *, told: bool = True) -> None:
    """Let SIGTERM and SIGINT end the service, and tell it (contract config-cli 5)."""

    def stop() -> None:
        deadline.start(0)
        service.request_stop()
        if told:
            streams.write("SIGINT or SIGTERM was sent, stopping the service...\n")

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)


def change_level_on_signal(workers: Workers | None = None) -> None:
    """Let SIGUSR1 switch the log level between `debug` and the configured one, in all workers."""

    def switch() -> None:
        logs.switch_debug()
        if workers is not None:
            workers.send_signal(signal.SIGUSR1)

    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, switch)


def _loop_runner() -> Callable[[Coroutine[None, None, int]], int]:
    """Return uvloop's runner where it is installed (extra `speed`), else asyncio's."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run
    runner: Callable[[Coroutine[None, None, int]], int] = uvloop.run
    return runner
