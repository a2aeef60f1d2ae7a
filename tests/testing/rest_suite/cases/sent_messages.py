"""The mock server with messages in it: those of --data kafka://, or the small seed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from aggregator.config.options import ServerConfig
from testing.fixtures import GeneratedMessage
from testing.messages import START, STEP
from testing.rest_suite.credentials import Credentials
from testing.rest_suite.sources import kafka
from testing.seed import Seed

from . import small_seed
from .mock_instance import MockInstance, mock_instance


class SentMessages(Seed):
    """A seed with messages of its own."""

    def __init__(self, ocp: list[dict[str, Any]], dvo: list[dict[str, Any]]) -> None:
        super().__init__()
        self._made = [
            GeneratedMessage(kind, json.dumps(message).encode())
            for kind, messages in (("ocp", ocp), ("dvo", dvo))
            for message in messages
        ]

    def messages(
        self, start: datetime = START, step: timedelta = STEP
    ) -> Iterator[GeneratedMessage]:
        """Yield them."""
        yield from self._made


@contextmanager
def sent_instance() -> Iterator[MockInstance]:
    """Run an instance that got what the suite would have sent."""
    ocp, dvo = kafka.messages(1)
    with mock_instance(SentMessages(ocp, dvo), kafka.inventory(ocp, dvo, "a test")) as found:
        yield found


@contextmanager
def small_instance(
    server: ServerConfig | None = None, credentials: Credentials | None = None
) -> Iterator[MockInstance]:
    """Run an instance that got the messages of the small seed."""
    ocp = list(map(small_seed.ocp_message, small_seed.HITS))
    dvo = list(map(small_seed.dvo_message, small_seed.WORKLOADS))
    with mock_instance(
        SentMessages(ocp, dvo), small_seed.inventory(), server=server, credentials=credentials
    ) as found:
        yield found
