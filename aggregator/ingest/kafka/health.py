"""Detects an unavailable broker, by errors of the consumer and the time of its last answer."""

from __future__ import annotations

import asyncio
import random
import time

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from ..retry import Retrier, RetryPolicy
from .aiokafka_log import LINES
from .errors import is_fatal, reason
from .rebalance import RebalanceListener

# a broker answers every fetch within half a second, so this is enough once an outage is logged
SHORT_SILENCE = 2.0
LOOK_AGAIN = 1.0


class BrokerHealth:
    """Pauses consuming while the broker is unavailable, or has no such topic."""

    def __init__(
        self,
        kafka: AIOKafkaConsumer,
        rebalance: RebalanceListener,
        retrier: Retrier,
        topic: str,
        silence: float,
        policy: RetryPolicy | None = None,
    ) -> None:
        self._kafka = kafka
        self._rebalance = rebalance
        self._retrier = retrier
        self._topic = topic
        self._silence = silence
        self._policy = policy or RetryPolicy()
        self._delay = self._policy.initial_delay
        # the first reason of this silence; the ones that follow from it are not logged
        self._reason = ""
        self._failed_at = 0.0
        self._looked_at = 0.0
        self._busy_until = time.time()

    def busy(self) -> None:
        """Note that a batch was processed until now, during which nothing was fetched."""
        self._busy_until = time.time()

    async def failed(self, error: KafkaError) -> None:
        """Pause and wait, longer each time; raise the error if retrying cannot help."""
        if is_fatal(error):
            raise error
        self._failed_at = time.time()
        self._retrier.pause(f"broker: {reason(error)}")
        await asyncio.sleep(self._delay * random.uniform(0.5, 1.0))
        self._delay = min(self._delay * 2, self._policy.max_delay)

    def check(self) -> None:
        """While idle, distinguish an idle topic from an unreachable broker."""
        if self._rebalance.changing:
            return
        held = self._kafka.assignment()
        if not held:
            self._check_topic()
            return
        polled = [self._kafka.last_poll_timestamp(each) for each in held]
        if None in polled:
            return
        last = min(polled) / 1000
        outage = LINES.since(last)
        silence = min(self._silence, SHORT_SILENCE) if outage else self._silence
        if time.time() - max(last, self._busy_until) > silence:
            self._reason = self._reason or f"broker: {outage or 'does not answer'}"
            self._retrier.pause(self._reason)
        elif last > self._failed_at:
            self._available()

    def _check_topic(self) -> None:
        """Without partitions: other members have them all, or the topic has none."""
        now = time.time()
        if now - self._looked_at < LOOK_AGAIN:
            return
        self._looked_at = now
        if problem := self._kafka.topic_problem(self._topic):
            self._retrier.pause(f"broker: {problem}")
        elif self._rebalance.assigned_at > self._failed_at:
            self._available()

    def _available(self) -> None:
        self._delay = self._policy.initial_delay
        self._reason = ""
        self._retrier.resume()
