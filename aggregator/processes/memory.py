"""Memory settings of the process: garbage collector thresholds and glibc's malloc."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
from contextlib import suppress
from pathlib import Path

# of mallopt(3)
_MMAP_THRESHOLD = -3
_BLOCK_BYTES = 128 * 1024
TRIM_SECONDS, TRIMMED_BYTES = 5.0, 16 * 1024 * 1024
# thresholds of the collector; a batch allocates many objects, and no reference cycles
_YOUNG, _MIDDLE, _OLD = 20_000, 20, 20


def give_back_large_blocks() -> None:
    """Let glibc give blocks of 128 KiB and more back to the system when they are freed.

    It does so at first, but raises the size with every block that is freed and keeps what is
    smaller: that made 30 MiB after some batches. Other C libraries are left as they are.
    """
    try:
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _BLOCK_BYTES)
    except (OSError, AttributeError):
        return


def spare_what_stays() -> None:
    """Exclude the objects that live as long as the process from garbage collection.

    Looking through all modules took tens of milliseconds each time, in which nobody is answered.
    """
    gc.collect()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
    gc.freeze()


class HeapTrimmer:
    """Returns freed memory to the system when the process has grown.

    glibc keeps freed blocks below its threshold while anything above them in the heap is in use:
    after a flood of uploads, whose bodies come in pieces of 64 KiB, that was 70 MB.
    """

    def __init__(self) -> None:
        self._least = 0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Look at the memory every few seconds, on the running loop."""
        self.look()
        self._timer = asyncio.get_running_loop().call_later(TRIM_SECONDS, self.start)

    def stop(self) -> None:
        """End."""
        if self._timer is not None:
            self._timer.cancel()

    def look(self) -> None:
        """Trim the heap if the process is larger than it was; takes 8 ms for 200 MB."""
        taken = resident()
        self._least = min(self._least or taken, taken)
        if taken >= self._least + TRIMMED_BYTES:
            with suppress(OSError, AttributeError):
                ctypes.CDLL(None).malloc_trim(0)


def resident() -> int:
    """Return the bytes of memory that the process has, 0 where the system does not say."""
    try:
        pages = Path("/proc/self/statm").read_text().split()[1]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
