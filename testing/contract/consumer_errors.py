"""What every storage of refused messages must do; nothing reads them through the storage."""

from __future__ import annotations

import dataclasses

from aggregator.model import ConsumerErrorRow
from aggregator.storage import Storage

from .sample_data import MORNING, NOON

ROW = ConsumerErrorRow("topic", 1, 2**40, b"key", b"value", MORNING, NOON, "bad message")


async def test_a_refusal_can_be_kept_twice(storage: Storage) -> None:
    await storage.consumer_errors.put([ROW])
    await storage.consumer_errors.put([ROW, dataclasses.replace(ROW, offset=3), ROW])


async def test_any_bytes_can_be_kept(storage: Storage) -> None:
    raw = bytes(range(256))
    odd = dataclasses.replace(ROW, key=raw, value=raw, error="nul \0 and \udcff")
    await storage.consumer_errors.put(
        [odd, dataclasses.replace(odd, offset=0, key=None, value=None)]
    )


async def test_nothing_can_be_kept(storage: Storage) -> None:
    await storage.consumer_errors.put([])
