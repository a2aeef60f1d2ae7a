"""Memory settings of the process: garbage collector thresholds and glibc's malloc."""

from __future__ import annotations

import ctypes
import gc

# of mallopt(3)
_MMAP_THRESHOLD = -3
_BLOCK_BYTES = 128 * 1024
# objects that come and go between two looks of the collector; a batch makes many, and no cycles
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
    """Let the garbage collector pass over what is there as long as the process is.

    Looking through all modules took tens of milliseconds each time, in which nobody is answered.
    """
    gc.collect()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
    gc.freeze()
