"""Checks of option values; `config/options.py` declares them beside each option."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MOST = float(2**53)
_METADATA_KEY = "check"
# returns a description of valid values, or "" if the value is valid
Rule = Callable[[Any], str]

_HOST = re.compile(r"[\w.:%\[\]-]+")
_PREFIX = re.compile(r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]+/)*")
_METRIC_PREFIX = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_HTTP_URL = re.compile(r"https?://(?:[\w.-]+|\[[\da-fA-F:]+\])(?::\d{1,5})?(?:/[\w./-]*)?")
_KAFKA_NAME = re.compile(r"[a-zA-Z0-9._-]{1,249}")


@dataclass(frozen=True, slots=True)
class Check:
    """The valid values of an option: one of `choices`, a number in a range, or checked by `rule`.

    In a list they apply to each item. `secret` values are never shown. A wrong value of an option
    that is `reported_later` is reported by the command that needs it, with text and exit status of
    the Go service, see `options.reported_later`.
    """

    secret: bool = False
    choices: tuple[str, ...] = ()
    any_case: bool = False
    low: float = 0
    high: float = MOST
    rule: Rule | None = None
    reported_later: bool = False

    def expected(self, value: Any) -> str:
        """Return a description of valid values, or "" if the value is valid."""
        if isinstance(value, bool):
            return ""
        if isinstance(value, int | float):
            return "" if self.low <= value <= self.high else f"{self._range()} expected"
        items = value if isinstance(value, tuple) else (value,)
        return next(filter(None, (self._expected_text(item) for item in items)), "")

    def _expected_text(self, text: str) -> str:
        if not text.isascii() and not _encodes(text):
            return "text in UTF-8 expected"
        if "\0" in text:
            return "text without NUL bytes expected"
        if self.choices and (text.upper() if self.any_case else text) not in self.choices:
            return f"{alternatives(self.choices)} expected"
        return self.rule(text) if self.rule and text else ""

    def _range(self) -> str:
        if self.high == MOST:
            return f"at least {self.low:g}"
        return f"{self.low:g} to {self.high:.15g}"


def option(default: Any, **check: Any) -> Any:
    """Return a dataclass field with this default and check, see `Check`."""
    made = Check(**check)
    return field(default=default, repr=not made.secret, metadata={_METADATA_KEY: made})


def check_of(metadata: Mapping[Any, Any]) -> Check:
    """Return the check in a field's metadata; without metadata, numbers must be >= 0."""
    found: Check = metadata.get(_METADATA_KEY, Check())
    return found


def alternatives(choices: Sequence[str]) -> str:
    """Return choices in words: `a, b or c`."""
    *most, last = [choice for choice in choices if choice]
    return f"{', '.join(most)} or {last}" if most else last


def listen_address(text: str) -> str:
    """Check `host:port` or `:port`; port 0 is any free one."""
    host, separator, port = text.rpartition(":")
    right = separator and _is_port(port, lowest=0) and (not host or _is_host(host))
    return "" if right else "host:port or :port expected"


def endpoint(text: str) -> str:
    """Check `host:port`."""
    host, separator, port = text.rpartition(":")
    right = separator and _is_port(port) and _is_host(host)
    return "" if right else "host:port expected"


def redis_endpoint(text: str) -> str:
    """Check `host:port`, which may follow `redis://`, or `rediss://` for TLS."""
    address = text.removeprefix("rediss://").removeprefix("redis://")
    return "" if not endpoint(address) else "host:port or rediss://host:port expected"


def broker_address(text: str) -> str:
    """Check `host:port`, or `host` alone, for Kafka's default port."""
    if not endpoint(text) or (":" not in text and _is_host(text)):
        return ""
    return "host:port expected"


def url_prefix(text: str) -> str:
    """Check the path that precedes all routes."""
    if not (text.startswith("/") and text.endswith("/")):
        return "must begin and end with '/'"
    return "" if _PREFIX.fullmatch(text) else "path segments without special characters expected"


def http_url(text: str) -> str:
    """Check `http://host[:port][/path]`, or the same with `https`."""
    right = _HTTP_URL.fullmatch(text)
    return "" if right else "http://host:port or https://host:port expected"


def metric_prefix(text: str) -> str:
    """Check the prefix of metric names."""
    right = _METRIC_PREFIX.fullmatch(text)
    return "" if right else "letters, digits, '_' and ':' expected"


def kafka_name(text: str) -> str:
    """Check the name of a topic, or of a static member of a consumer group."""
    right = _KAFKA_NAME.fullmatch(text) and text not in (".", "..")
    return "" if right else "up to 249 letters, digits, '.', '_' and '-' expected"


def _is_port(text: str, lowest: int = 1) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5 and lowest <= int(text) <= 65535


def _is_host(text: str) -> bool:
    if not _HOST.fullmatch(text):
        return False
    try:
        text.strip("[]").encode("idna")
    except UnicodeError:
        return False
    return True


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
