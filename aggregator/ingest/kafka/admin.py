"""Admin queries: partitions of a topic, offsets and members of a group, records by offset."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment as Assignment
from aiokafka.errors import KafkaError, for_code

from ...config.options import BrokerConfig
from ...errors import InvalidInput, Unavailable
from . import factory
from .errors import reason

# a broker answers every fetch within half a second, messages or not
SILENCE = 10.0

Offsets = dict[TopicPartition, int]


class Brokers:
    """Read-only queries; the client joins no group.

    Every method raises Unavailable when the brokers do not answer or reject the request.
    """

    def __init__(self, admin: AIOKafkaAdminClient, reader: AIOKafkaConsumer) -> None:
        self._admin = admin
        self._reader = reader

    async def partitions(self, topic: str) -> list[TopicPartition]:
        """Return the partitions of a topic in order; raise InvalidInput when there is none."""
        # describe all topics: describing one by name may create it
        for answer in await self._admin.describe_topics():
            if answer["topic"] == topic and not answer["error_code"]:
                numbers = sorted(partition["partition"] for partition in answer["partitions"])
                return [TopicPartition(topic, number) for number in numbers]
        raise InvalidInput(f"topic {topic!r} does not exist, or may not be read")

    async def bounds(self, partitions: Sequence[TopicPartition]) -> tuple[Offsets, Offsets]:
        """Return the first offset and the end offset of each partition."""
        first = await self._reader.beginning_offsets(partitions)
        return first, await self._reader.end_offsets(partitions)

    async def next_messages(self, first: Offsets, ends: Offsets) -> Offsets:
        """Return the offset of the first message from each of these on, or the end.

        Offsets may have none: control records of transactions, or messages of aborted ones.
        """
        found = dict(first)
        left = {place for place in first if first[place] < ends[place]}
        self._reader.assign(sorted(left))
        for place in left:
            self._reader.seek(place, first[place])
        clock = asyncio.get_running_loop().time
        deadline = clock() + SILENCE
        while left and clock() < deadline:
            taken = await self._reader.getmany(*left, timeout_ms=200)
            for place in list(left):
                if taken.get(place):
                    found[place] = min(taken[place][0].offset, ends[place])
                elif await self._reader.position(place) >= ends[place]:
                    found[place] = ends[place]
                else:
                    continue
                left.discard(place)
        return found

    async def committed(self, group: str, partitions: Sequence[TopicPartition]) -> Offsets:
        """Return the committed offsets of the group; partitions without a commit are omitted."""
        answer = await _settled(
            lambda: self._admin.list_consumer_group_offsets(group, partitions=list(partitions))
        )
        return {place: found.offset for place, found in answer.items() if found.offset >= 0}

    async def members(self, group: str) -> dict[TopicPartition, str] | None:
        """Return each partition's member (`client@host`), None if the broker does not report it."""
        try:
            (answer,) = await _settled(lambda: self._admin.describe_consumer_groups([group]))
        except (KafkaError, NotImplementedError):
            # old brokers, and those that require admin rights, do not report it: show the rest
            return None
        (found,) = answer.to_object()["groups"]
        if found["error_code"]:
            return None
        return {
            place: f"{member['client_id']}@{member['client_host'][1:]}"
            for member in found["members"]
            for place in _assigned(member["member_assignment"])
        }

    async def records(
        self, first: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]
    ) -> AsyncIterator[list[ConsumerRecord]]:
        """Yield the records from the first offsets up to, and without, the ends.

        They come in chunks, which may be empty; records of a partition are in order.
        """
        left = {place for place in first if first[place] < ends[place]}
        self._reader.assign(sorted(left))
        for place in left:
            self._reader.seek(place, first[place])
        clock = asyncio.get_running_loop().time
        answered = clock()
        while left:
            taken = await self._reader.getmany(*left, timeout_ms=200)
            part = [
                record for place in taken for record in taken[place] if record.offset < ends[place]
            ]
            # offsets may have gaps, so the position decides, not the last record
            done = {place for place in left if await self._reader.position(place) >= ends[place]}
            left -= done
            if taken or done:
                answered = clock()
            elif clock() - answered > SILENCE:
                raise Unavailable(f"broker: no messages of {min(left).topic} for {SILENCE:g} s")
            yield part


def _assigned(encoded: bytes) -> list[TopicPartition]:
    """Return a member's partitions; none if its client uses another encoding."""
    if not encoded:
        return []
    try:
        return list(Assignment.decode(encoded).partitions())
    except Exception:
        # bytes of another program, for which the library may raise anything
        return []


async def require_writable(broker: BrokerConfig, topic: str) -> None:
    """Raise Unavailable with the reason unless the topic accepts messages without a key."""
    admin = factory.admin(broker)
    try:
        await admin.start()
        # described by name: some brokers create the topic then
        (answer,) = await admin.describe_topics([topic])
        if code := answer["error_code"]:
            raise for_code(code)(topic)
        compacted = "compact" in await _cleanup_policy(admin, topic)
    except KafkaError as error:
        raise Unavailable(f"broker: topic '{topic}': {reason(error)}") from error
    finally:
        await admin.close()
    if compacted:
        raise Unavailable(
            f"broker: topic '{topic}' is compacted, so it rejects messages without a key "
            "(cleanup.policy=compact, delete is needed)"
        )


async def _cleanup_policy(admin: AIOKafkaAdminClient, topic: str) -> str:
    """Return the topic's option, or nothing if the broker does not report it."""
    try:
        answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    except (KafkaError, NotImplementedError):
        return ""
    entries = (entry for answer in answers for each in answer.resources for entry in each[4])
    return next((str(entry[1]) for entry in entries if entry[0] == "cleanup.policy"), "")


@asynccontextmanager
async def open_brokers(broker: BrokerConfig) -> AsyncIterator[Brokers]:
    """Connect; raise Unavailable when the brokers do not answer, now or inside the block."""
    admin = factory.admin(broker)
    reader = factory.reader(broker)
    try:
        await admin.start()
        await reader.start()
        yield Brokers(admin, reader)
    except KafkaError as error:
        raise Unavailable(f"broker: {reason(error)}") from error
    finally:
        await reader.stop()
        await admin.close()


async def _settled(ask: Callable[[], Awaitable[Any]]) -> Any:
    """Return the answer of a group's coordinator, retrying while a new broker elects it."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + SILENCE
    while True:
        try:
            return await ask()
        except KafkaError as error:
            if not error.retriable or clock() > deadline:
                raise
        await asyncio.sleep(0.2)
