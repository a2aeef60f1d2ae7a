"""What is called on a storage is written down, and fails on demand: any storage, not only mocks."""

from __future__ import annotations

import typing
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields, replace
from typing import Any

from aggregator.errors import Unavailable
from aggregator.storage import Storage

_AGGREGATES = tuple(field.name for field in fields(Storage) if field.name != "keeps")


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a storage's method: `votes.put` with these arguments."""

    method: str
    arguments: tuple[Any, ...]
    options: dict[str, Any]


class Watch:
    """Stands between a storage and its users: `watch.over(storage)` is what they get.

    `before` is awaited before each call.
    """

    def __init__(self, before: Callable[[], Awaitable[None]] | None = None) -> None:
        self.calls: list[Call] = []
        self.before = before
        self._away: BaseException | None = None
        self._faults: dict[str, deque[BaseException]] = {}

    def over(self, storage: Storage) -> Storage:
        """Return the same storage, watched."""
        parts: dict[str, Any] = {
            name: _Watched(name, getattr(storage, name), self) for name in _AGGREGATES
        }
        return replace(storage, **parts)

    def called(self, method: str) -> list[Call]:
        """Return the calls of a method, as `votes.put`."""
        _check(method)
        return [call for call in self.calls if call.method == method]

    def fail(self, method: str, *errors: BaseException) -> None:
        """Let the next calls of a method, as `votes.put`, raise these errors, one each."""
        _check(method)
        self._faults.setdefault(method, deque()).extend(errors)

    def away(self, reason: str = "the database is away") -> None:
        """Let every call raise Unavailable until `back`."""
        self._away = Unavailable(reason)

    def back(self) -> None:
        """Let calls succeed again."""
        self._away = None

    async def note(self, call: Call) -> None:
        """Write the call down, and raise what it is to raise."""
        self.calls.append(call)
        if self.before is not None:
            await self.before()
        if self._faults.get(call.method):
            raise self._faults[call.method].popleft()
        if self._away is not None and call.method != "health.close":
            raise self._away


class _Watched:
    """An aggregate whose calls go through a watch."""

    def __init__(self, name: str, aggregate: object, watch: Watch) -> None:
        self._name = name
        self._aggregate = aggregate
        self._watch = watch

    def __getattr__(self, attribute: str) -> Any:
        value = getattr(self._aggregate, attribute)
        method = f"{self._name}.{attribute}"
        if attribute.startswith("_") or not callable(value):
            return value

        async def watched(*arguments: Any, **options: Any) -> Any:
            await self._watch.note(Call(method, arguments, options))
            return await value(*arguments, **options)

        return watched


def _check(method: str) -> None:
    """Raise ValueError for a method that no storage has: its faults would never come."""
    aggregate, _, name = method.partition(".")
    protocol = typing.get_type_hints(Storage).get(aggregate)
    if protocol is None or not hasattr(protocol, name):
        raise ValueError(f"a storage has no method '{method}'")
