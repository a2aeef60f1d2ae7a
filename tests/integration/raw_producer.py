"""A producer of record batches as they are, whatever is in them."""

from __future__ import annotations

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import for_code
from aiokafka.protocol.produce import ProduceRequest


async def produce(brokers: str, topic: str, *batches: bytes, partition: int = 0) -> list[str]:
    """Send one batch after the other; return what the broker says of each, nothing if it took it.

    A broker checks a part of what is in a batch; what it takes, consumers get.
    """
    client = AIOKafkaClient(bootstrap_servers=brokers)
    await client.bootstrap()
    try:
        client.add_topic(topic)
        await client.force_metadata_update()
        node = client.cluster.leader_for_partition(TopicPartition(topic, partition))
        answers = []
        for batch in batches:
            request = ProduceRequest(None, -1, 30_000, [(topic, [(partition, batch)])])
            answer = await client.send(node, request)
            code = answer.topics[0][1][0][1]
            answers.append("" if code == 0 else for_code(code).__name__)
        return answers
    finally:
        await client.close()
