"""Whether the broker is available: what the consumer raised, and when it was last heard."""

from __future__ import annotations

import asyncio
import random
import time

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from ..retry import Backpressure, Waits
from .aiokafka_log import LINES
from .errors import is_fatal, reason
from .rebalance import Membership

# a broker answers every fetch within half a second, so this is enough once an outage is logged
SHORT_SILENCE = 2.0
LOOK_AGAIN = 1.0


class BrokerHealth:
    """Pauses consuming while the broker is unavailable, or has no such topic."""

    def __init__(
        self,
        kafka: AIOKafkaConsumer,
        membership: Membership,
        backpressure: Backpressure,
        topic: str,
        silence: float,
        waits: Waits | None = None,
    ) -> None:
        self._kafka = kafka
        self._membership = membership
        self._backpressure = backpressure
        self._topic = topic
        self._silence = silence
        self._waits = waits or Waits()
        self._wait = self._waits.first
        # of the present silence; one reason is logged, not each that follows from it
        self._reason = ""
        self._failed_at = 0.0
        self._looked_at = 0.0
        self._busy_until = time.time()

    def busy(self) -> None:
        """Note that a batch was in hand until now, during which nothing was fetched."""
        self._busy_until = time.time()

    async def failed(self, error: KafkaError) -> None:
        """Pause and wait, longer each time; raise the error if waiting cannot change it."""
        if is_fatal(error):
            raise error
        self._failed_at = time.time()
        self._backpressure.pause(f"broker: {reason(error)}")
        await asyncio.sleep(self._wait * random.uniform(0.5, 1.0))
        self._wait = min(self._wait * 2, self._waits.longest)

    def check(self) -> None:
        """With nothing to do, distinguish an idle topic from an unavailable one."""
        if self._membership.changing:
            return
        held = self._kafka.assignment()
        if not held:
            self._check_topic()
            return
        heard = [self._kafka.last_poll_timestamp(each) for each in held]
        if None in heard:
            return
        last = min(heard) / 1000
        outage = LINES.since(last)
        silence = min(self._silence, SHORT_SILENCE) if outage else self._silence
        if time.time() - max(last, self._busy_until) > silence:
            self._reason = self._reason or f"broker: {outage or 'does not answer'}"
            self._backpressure.pause(self._reason)
        elif last > self._failed_at:
            self._available()

    def _check_topic(self) -> None:
        """Without partitions: either others have them all, or there are none."""
        now = time.time()
        if now - self._looked_at < LOOK_AGAIN:
            return
        self._looked_at = now
        if problem := self._kafka.topic_problem(self._topic):
            self._backpressure.pause(f"broker: {problem}")
        elif self._membership.assigned_at > self._failed_at:
            self._available()

    def _available(self) -> None:
        self._wait = self._waits.first
        self._reason = ""
        self._backpressure.go_on()
