"""Clients of the brokers that tell why no broker takes their connection."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import KafkaConnectionError, KafkaError

# of the settings of a client, those that a single connection takes, too
_OF_CONNECTION = (
    "client_id", "request_timeout_ms", "security_protocol", "ssl_context",
    "sasl_mechanism", "sasl_plain_username", "sasl_plain_password",
)  # fmt: skip
PATIENCE = 5.0
PARTING = 1.0
REPEAT = 0.1


class Consumer(AIOKafkaConsumer):  # type: ignore[misc]
    """A consumer whose `start` raises KafkaConnectionError with the reason."""

    def __init__(self, *, topic: str = "", **settings: Any) -> None:
        super().__init__(**settings)
        self._topic = topic
        self._settings = settings

    async def start(self) -> None:
        """Connect, and ask for the partitions of the topic until a broker answers.

        Who joins a group without having asked is assigned none of them, and stays so until the
        library looks at the topic again by itself.
        """
        try:
            await _whole(super().start())
        except KafkaConnectionError as error:
            raise await _explained(error, self._settings) from error
        if self._topic:
            self._client.add_topic(self._topic)
            while not await self._client.force_metadata_update():
                await asyncio.sleep(REPEAT)


class Producer(AIOKafkaProducer):  # type: ignore[misc]
    """A producer whose `start` raises KafkaConnectionError with the reason."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._settings = settings

    async def start(self) -> None:
        """Connect."""
        try:
            await _whole(super().start())
        except KafkaConnectionError as error:
            raise await _explained(error, self._settings) from error


class Admin(AIOKafkaAdminClient):  # type: ignore[misc]
    """An administrator whose `start` raises KafkaConnectionError with the reason."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._settings = settings

    async def start(self) -> None:
        """Connect."""
        try:
            await _whole(super().start())
        except KafkaConnectionError as error:
            raise await _explained(error, self._settings) from error


async def _whole(start: Coroutine[Any, Any, None]) -> None:
    """Start; who cancels it waits for its end up to PARTING, then it is cut off.

    The library forgets the connection over which it asks the first broker for the others when it
    is cancelled there, and nobody could close it any more.
    """
    starting = asyncio.ensure_future(start)
    try:
        await asyncio.shield(starting)
    except asyncio.CancelledError:
        await asyncio.wait((starting,), timeout=PARTING)
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        raise


async def _explained(error: KafkaConnectionError, settings: Mapping[str, Any]) -> KafkaError:
    """Return the error with what each address has to say; the library keeps that for its log."""
    hosts = collect_hosts(settings["bootstrap_servers"], randomize=False)
    own = {name: settings[name] for name in _OF_CONNECTION if name in settings}
    reasons = await asyncio.gather(*(_reason(host, port, own) for host, port, _ in hosts))
    if all(reasons):
        return KafkaConnectionError("; ".join(reasons))
    # it takes connections by now: the next attempt will tell
    return error


async def _reason(host: str, port: int, settings: Mapping[str, Any]) -> str:
    """Return why this address takes no connection, or nothing if it takes one."""
    try:
        async with asyncio.timeout(PATIENCE):
            (await create_conn(host, port, **settings)).close()
    except TimeoutError:
        return f"{host}:{port} does not answer"
    except KafkaError as error:
        return f"{host}:{port} refuses: {error}"
    except OSError as error:
        return f"{host}:{port} cannot be reached: {error.strerror or error}"
    return ""
