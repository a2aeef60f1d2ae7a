"""Builds record batches whose header keys need not be UTF-8."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from ..gojson.scanner import is_unicode


class Batch(BatchBuilder):  # type: ignore[misc]
    """A batch that a producer sends.

    aiokafka's extension encodes header keys itself, as UTF-8; its Python code calls `encode`. So
    the first record with another key begins a batch that is built by the Python code.
    """

    def __init__(self, size: int) -> None:
        super().__init__(size, 0)
        self._size = size
        self._raw = False

    def append(
        self, *, headers: Sequence[tuple[str, bytes | None]] = (), **record: Any
    ) -> object | None:
        """Add a record; return None when it does not fit."""
        if not self._raw and not _are_unicode(key for key, _ in headers):
            if self.record_count():
                return None
            self._raw = True
            self._builder = _DefaultRecordBatchBuilderPy(
                2, 0, is_transactional=0, producer_id=-1, producer_epoch=-1, base_sequence=0,
                batch_size=self._size,
            )  # fmt: skip
        if self._raw:
            headers = [(_RawKey(key), value) for key, value in headers]
        added: object | None = super().append(headers=list(headers), **record)
        return added


class _RawKey(str):
    """A header key that is encoded to the bytes that it was read from (PEP 383)."""

    def encode(self, encoding: str = "utf-8", errors: str = "surrogateescape") -> bytes:
        return super().encode("utf-8", "surrogateescape")


def _are_unicode(keys: Iterable[str]) -> bool:
    return all(map(is_unicode, keys))
