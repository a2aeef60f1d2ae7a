"""Steps of a piece of work: the calls and lines that the interpreter reports while it runs."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def steps(work: Callable[[], object], *, lines: bool = False) -> int:
    """Return how many calls of functions, in Python and in C, the work takes, and lines if told.

    The garbage collector waits meanwhile: its callbacks and the finalizers of what other tests
    left would be counted as steps of the work.
    """
    count = 0

    def call(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    def line(_frame: FrameType, _event: str, _argument: Any) -> Any:
        nonlocal count
        count += 1
        return line

    tracer, profiler, collecting = sys.gettrace(), sys.getprofile(), gc.isenabled()
    gc.disable()
    sys.setprofile(call)
    if lines:
        sys.settrace(line)
    try:
        work()
    finally:
        sys.settrace(tracer)
        sys.setprofile(profiler)
        if collecting:
            gc.enable()
    return count
