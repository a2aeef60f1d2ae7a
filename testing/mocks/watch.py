"""Storage wrapper that records calls and injects errors."""

from __future__ import annotations

import inspect
import typing
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from aggregator.errors import Unavailable
from aggregator.parts import in_parts
from aggregator.storage import Storage

from .faults import Faults

_PROTOCOLS = {
    name: kind for name, kind in typing.get_type_hints(Storage).items() if name != "keeps"
}
METHODS = tuple(
    f"{name}.{method}"
    for name, protocol in _PROTOCOLS.items()
    for method in vars(protocol)
    if not method.startswith("_")
)


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a storage's method: `votes.put` with these arguments."""

    method: str
    arguments: tuple[Any, ...]
    options: dict[str, Any]


class Watch:
    """Stands between a storage and its users: `watch.over(storage)` is what they get.

    `before` is awaited before each call; `remember=False` keeps no list of calls, for long runs.
    """

    def __init__(
        self, before: Callable[[], Awaitable[None]] | None = None, *, remember: bool = True
    ) -> None:
        self._remember = remember
        self.calls: list[Call] = []
        self.before = before
        self._unavailable: BaseException | None = None
        self._faults = Faults(*METHODS)

    def over(self, storage: Storage) -> Storage:
        """Return the same storage, watched."""
        parts: dict[str, Any] = {
            name: _Watched(name, getattr(storage, name), self) for name in _PROTOCOLS
        }
        return replace(storage, **parts)

    def called(self, method: str) -> list[Call]:
        """Return the calls of a method, as `votes.put`."""
        return [call for call in self.calls if call.method == method]

    def fail(self, method: str, *errors: BaseException) -> None:
        """Let the next calls of a method, as `votes.put`, raise these errors, one each."""
        self._faults.add(method, *errors)

    def unavailable(self, reason: str = "the database is unavailable") -> None:
        """Let every call raise Unavailable until `available_again`."""
        self._unavailable = Unavailable(reason)

    def available_again(self) -> None:
        """Let calls succeed again."""
        self._unavailable = None

    async def note(self, call: Call) -> None:
        """Write the call down, and raise what it is to raise."""
        if self._remember:
            self.calls.append(call)
        if self.before is not None:
            await self.before()
        self._faults.strike(call.method)
        if self._unavailable is not None and call.method != "health.close":
            raise self._unavailable


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

        @in_parts
        async def listed(*arguments: Any, **options: Any) -> AsyncGenerator[Any, None]:
            await self._watch.note(Call(method, arguments, options))
            async for part in value(*arguments, **options):
                yield part

        return watched if inspect.iscoroutinefunction(value) else listed
