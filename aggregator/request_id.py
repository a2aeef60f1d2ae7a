"""The id of the request that is being answered: taken from `X-Request-Id`, or made."""

from __future__ import annotations

import random
import re
from contextvars import ContextVar, Token

HEADER = "X-Request-Id"
# what is safe in a header, a log line and a shell
_WELL_FORMED = re.compile(r"[A-Za-z0-9._~:/+=@-]{1,128}")
_current: ContextVar[str] = ContextVar("request_id", default="")

# tasks that are started meanwhile keep the id
current = _current.get


def begin(given: str | None) -> Token[str]:
    """Set the id of a request in this context, made if it is missing or malformed."""
    if given is None or not _WELL_FORMED.fullmatch(given):
        given = f"{random.getrandbits(128):032x}"
    return _current.set(given)


# restores what was there before `begin`, whose result it takes
end = _current.reset
