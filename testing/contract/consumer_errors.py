"""What every storage of refused messages must do; nothing reads them through the storage."""

from __future__ import annotations

import dataclasses

from aggregator.model import Refusal
from aggregator.storage import Storage

from .scene import MORNING, NOON

REFUSAL = Refusal("topic", 1, 2**40, b"key", b"value", MORNING, NOON, "bad message")


async def test_a_refusal_can_be_kept_twice(storage: Storage) -> None:
    await storage.refused.put([REFUSAL])
    await storage.refused.put([REFUSAL, dataclasses.replace(REFUSAL, offset=3), REFUSAL])


async def test_any_bytes_can_be_kept(storage: Storage) -> None:
    raw = bytes(range(256))
    odd = dataclasses.replace(REFUSAL, key=raw, value=raw, error="nul \0 and \udcff")
    await storage.refused.put([odd, dataclasses.replace(odd, offset=0, key=None, value=None)])


async def test_nothing_can_be_kept(storage: Storage) -> None:
    await storage.refused.put([])
