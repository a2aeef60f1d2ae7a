"""The order of cases between the processes of pytest-xdist: readers, writers, then deleters."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .case import DELETE

LOOK_SECONDS = 0.02
# without a case that ends for so long, another process has died or was stopped
STALLED_SECONDS = 60.0
_STOP = "stop"
_ALONE = "alone"


class Phases:
    """Waits until the cases of earlier kinds have ended, which each process notes in a folder.

    Readers compare answers, so nobody may write meanwhile. Items are sorted by kind, so who waits
    has no case of an earlier kind left. Without a folder there is one process, and no waiting.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._totals: Counter[int] = Counter()

    def expect(self, kinds: Iterable[int]) -> None:
        """Take the kinds of all cases of the run."""
        self._totals = Counter(kinds)

    @contextmanager
    def case(self, kind: int, name: str) -> Iterator[None]:
        """Run a case when it is its turn."""
        if self._folder is None:
            yield
            return
        self._wait_for_earlier(self._folder, kind)
        if kind == DELETE:
            self._claim(self._folder)
        try:
            yield
        finally:
            (self._folder / f"done-{kind}-{uuid.uuid5(uuid.NAMESPACE_OID, name)}").touch()
            if kind == DELETE:
                (self._folder / _ALONE).unlink(missing_ok=True)

    def stop(self) -> None:
        """Let nobody wait any longer: the run ends."""
        if self._folder is not None:
            (self._folder / _STOP).touch()

    def _wait_for_earlier(self, folder: Path, kind: int) -> None:
        earlier = sum(number for one, number in self._totals.items() if one < kind)
        seen, moment = -1, time.monotonic()
        while not (folder / _STOP).exists():
            done = sum(len(list(folder.glob(f"done-{one}-*"))) for one in range(kind))
            if done >= earlier:
                return
            if done != seen:
                seen, moment = done, time.monotonic()
            elif time.monotonic() - moment > STALLED_SECONDS:
                return
            time.sleep(LOOK_SECONDS)

    def _claim(self, folder: Path) -> None:
        """Wait until no other process deletes."""
        deadline = time.monotonic() + STALLED_SECONDS
        while time.monotonic() < deadline and not (folder / _STOP).exists():
            try:
                (folder / _ALONE).touch(exist_ok=False)
            except FileExistsError:
                time.sleep(LOOK_SECONDS)
            else:
                return
