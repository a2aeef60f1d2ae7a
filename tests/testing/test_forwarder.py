"""The forwarder: another port for a mock broker, and what becomes of its connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from testing.mocks.broker import Broker
from testing.mocks.forwarder import HOST, forwarded


@asynccontextmanager
async def echo() -> AsyncIterator[str]:
    """Serve connections that get back what they send, until they end."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1024):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(serve, HOST, 0)
    async with server:
        yield f"{HOST}:{server.sockets[0].getsockname()[1]}"


async def connect(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to `host:port`."""
    host, _, port = address.rpartition(":")
    return await asyncio.open_connection(host, int(port))


async def test_bytes_pass_in_both_directions() -> None:
    async with echo() as target, forwarded(target, 0) as address:
        assert address != target
        reader, writer = await connect(address)
        for part in (b"first", b"second"):
            writer.write(part)
            assert await reader.readexactly(len(part)) == part
        writer.close()


async def test_a_target_that_closes_closes_the_connection() -> None:
    async with echo() as target, forwarded(target, 0) as address:
        reader, writer = await connect(address)
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()


async def test_an_unreachable_target_closes_the_connection() -> None:
    async with echo() as target:
        pass
    async with forwarded(target, 0) as address:
        reader, writer = await connect(address)
        assert await reader.read() == b""
        writer.close()


async def test_open_connections_end_with_it() -> None:
    async with echo() as target:
        async with forwarded(target, 0) as address:
            reader, writer = await connect(address)
            writer.write(b"open")
            await reader.readexactly(4)
        assert await reader.read() == b""
        writer.close()


async def test_a_port_in_use_is_an_error() -> None:
    async with echo() as target, forwarded(target, 0) as address:
        with pytest.raises(OSError, match="in use"):
            async with forwarded(target, int(address.rpartition(":")[2])):
                pass


async def test_a_kafka_client_finds_the_broker_through_it() -> None:
    from aiokafka import AIOKafkaProducer

    with Broker() as broker:
        broker.create_topic("messages")
        async with forwarded(broker.address, 0) as address:
            producer = AIOKafkaProducer(bootstrap_servers=address)
            await producer.start()
            try:
                assert (await producer.send_and_wait("messages", b"one")).offset == 0
            finally:
                await producer.stop()
