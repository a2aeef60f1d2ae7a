"""A topic of one partition with messages to consume, and a group that begins at its start."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

# seconds to wait for the group coordinator of a broker that has just started
PATIENCE = 30
NO_COORDINATOR = {
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError._WAIT_COORD,
}
AHEAD = 50_000


@contextmanager
def topic_of(brokers: str, messages: Iterable[bytes] = ()) -> Iterator[str]:
    """Give a topic that holds the messages; its tracker and dead letters have topics, too.

    All of them are deleted at the end.
    """
    topic = f"bench.{uuid.uuid4().hex[:8]}"
    admin = AdminClient({"bootstrap.servers": brokers})
    names = [topic, f"{topic}.tracker", f"{topic}.dead"]
    for future in admin.create_topics([NewTopic(name, 1, 1) for name in names]).values():
        future.result()
    try:
        send(brokers, topic, messages)
        _begin(brokers, topic)
        yield topic
    finally:
        for future in admin.delete_topics(names).values():
            future.exception()


def group_of(topic: str) -> str:
    """Return the group that begins at the start of a topic."""
    return f"{topic}.group"


def send(brokers: str, topic: str, messages: Iterable[bytes]) -> None:
    """Send the messages; return when the broker has them."""
    producer = Producer({"bootstrap.servers": brokers, "linger.ms": 20})
    for message in messages:
        producer.produce(topic, message, partition=0)
        producer.poll(0)
        if len(producer) > AHEAD:
            producer.flush()
    producer.flush()


def _begin(brokers: str, topic: str) -> None:
    """Let the group begin at the start of the topic; a new group of the peer begins at its end."""
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": group_of(topic)})
    end = time.monotonic() + PATIENCE
    while not _committed(consumer, TopicPartition(topic, 0, 0)):
        if time.monotonic() > end:
            raise TimeoutError(f"{brokers}: no coordinator of {group_of(topic)} in {PATIENCE} s")
        time.sleep(0.5)
    consumer.close()


def _committed(consumer: Consumer, place: TopicPartition) -> bool:
    """Commit an offset; return False where the broker has no coordinator yet."""
    try:
        consumer.commit(offsets=[place], asynchronous=False)
    except KafkaException as error:
        # its `retriable` is about transactions only, and false for all of these
        if error.args[0].code() in NO_COORDINATOR:
            return False
        raise
    return True
