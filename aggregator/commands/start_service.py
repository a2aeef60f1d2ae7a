"""`start-service`: serve until a signal comes; every way to end has its exit status."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Coroutine, Sequence

from ..config import Config
from ..errors import AggregatorError, ConfigError, SchemaMismatch, Unavailable, UnusableFile
from ..service import Service
from . import print_version_info

log = logging.getLogger(__name__)

GENERAL_FAILURE, PREPARE_FAILED, CONSUMER_FAILED = 1, 2, 3


def run(config: Config, argv: Sequence[str] = ()) -> int:
    """Serve until SIGTERM or SIGINT; return the exit status of contract config-cli 5."""
    print_version_info.run(config, argv)
    try:
        return _loop_runner()(_serve(config))
    except UnusableFile as error:
        log.critical("%s", error)
        return GENERAL_FAILURE
    except (SchemaMismatch, Unavailable, ConfigError) as error:
        log.error("%s", error)
        log.error("database preparation exited with error code %d", PREPARE_FAILED)
        return PREPARE_FAILED
    except OSError as error:
        log.error("cannot listen on '%s': %s", config.server.address, error)
        return GENERAL_FAILURE
    except AggregatorError as error:
        log.error("%s", error)
        return CONSUMER_FAILED


async def _serve(config: Config) -> int:
    service = Service(config)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop_on_signal, service)
    try:
        await service.start()
        await service.wait()
    finally:
        await service.stop()
    return 0


def _stop_on_signal(service: Service) -> None:
    print("SIGINT or SIGTERM was sent, stopping the service...", flush=True)
    service.request_stop()


def _loop_runner() -> Callable[[Coroutine[None, None, int]], int]:
    """Return uvloop's runner where it is installed (extra `speed`), else asyncio's."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run
    runner: Callable[[Coroutine[None, None, int]], int] = uvloop.run
    return runner
