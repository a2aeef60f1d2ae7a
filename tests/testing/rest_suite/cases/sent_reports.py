"""The mock server with what --data kafka:// would have sent to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from testing.fixtures import GeneratedMessage
from testing.messages import START, STEP
from testing.rest_suite.sources import kafka
from testing.seed import Seed

from .mock_instance import Mock, mock_instance


class Sent(Seed):
    """A seed with messages of its own."""

    def __init__(self, made: list[GeneratedMessage]) -> None:
        super().__init__()
        self._made = made

    def messages(
        self, start: datetime = START, step: timedelta = STEP
    ) -> Iterator[GeneratedMessage]:
        """Yield them."""
        yield from self._made


@contextmanager
def sent_instance() -> Iterator[Mock]:
    """Run an instance that got what the suite would have sent, for as long as the block lasts."""
    ocp, dvo = kafka.messages(1)
    made = [
        GeneratedMessage(kind, json.dumps(message).encode())
        for kind, messages in (("ocp", ocp), ("dvo", dvo))
        for message in messages
    ]
    with mock_instance(Sent(made), kafka.inventory(ocp, dvo, "a test")) as found:
        yield found
