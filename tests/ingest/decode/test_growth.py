"""The work for hostile input grows with its size, no faster."""

from __future__ import annotations

import contextlib
import gzip
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from aggregator.errors import InvalidInput
from aggregator.ingest.decode import payload, times
from aggregator.ingest.decode.dvo import DvoDecoder
from aggregator.ingest.decode.message import InvalidMessage
from aggregator.ingest.decode.ocp import OcpDecoder
from tests.ingest.decode.test_executor import MOST, envelope
from tests.steps import steps

SIZES = (500, 1000, 2000)


def report(reports: str, more: str = "") -> bytes:
    return envelope("Report", f'{{"fingerprints":[],"reports":[{reports}],"system":{{}}{more}}}')


def metrics(items: str, more: str = "") -> bytes:
    return envelope("Metrics", f'{{"workload_recommendations":[{items}]{more}}}')


def listed(item: str, count: int) -> str:
    return ",".join([item] * count)


def deep(count: int) -> str:
    return "[" * 4000 + "]" * 4000 + "," + listed('""', count)


LONE = ',"a":"\\ud800"'
HOSTILE: dict[str, Callable[[int], bytes]] = {
    # two of the three sizes are on one side of the depth at which Python 3.11 to 3.13 give up
    "nested lists": lambda n: report("[" * 2 * n + "]" * 2 * n),
    "unclosed lists": lambda n: report("[" * 2 * n),
    "nested objects": lambda n: report('{"details":' * 2 * n + "1" + "}" * 2 * n),
    "many null": lambda n: report(listed("null", n)),
    "many hits": lambda n: report(listed('{"component":"r","key":"k"}', n)),
    "many hits and a lone surrogate": lambda n: report(
        ",".join(f'{{"component":"r{at}","key":"k"}}' for at in range(n)), LONE
    ),
    "many lists that are deep": lambda n: report(deep(n)),
    "one name many times": lambda n: report("", ',"a":0' * n),
    "names with a common beginning": lambda n: report(
        "", "".join(f',"{"a" * 50}{at}":0' for at in range(n))
    ),
    "long numbers": lambda n: report(listed("9" * 5000, n // 10)),
    "one long number": lambda n: report("9" * 100 * n),
    "a long exponent": lambda n: report("1e" + "9" * 100 * n),
    "a long fraction": lambda n: report("1." + "9" * 100 * n),
    "backslashes": lambda n: report('"' + "\\\\" * 100 * n + '"'),
    "backslashes without an end": lambda n: report('"' + '\\"' * 100 * n),
    "escapes": lambda n: report('"' + "\\u0041" * 100 * n + '"'),
    "lone surrogates": lambda n: report('"' + "\\ud800" * 100 * n + '"'),
    "bytes that are not UTF-8": lambda n: report('"x"').replace(b"x", b"\xff" * 100 * n),
    "blanks": lambda n: report(" " * 100 * n + "1" + "\n" * 100 * n),
    "blanks between values": lambda n: report(listed(" 1 ", n)),
    "a long time": lambda n: report("").replace(b"00Z", b"00." + b"1" * 100 * n + b"Z"),
    "a long time without an end": lambda n: report("").replace(b"00Z", b"00." + b"1" * 100 * n),
    "a long cluster": lambda n: report("").replace(b"34c3", b"a-" * 100 * n),
    "a long organization": lambda n: report("").replace(b"1,", b"1" * 100 * n + b",", 1),
    "many items of info": lambda n: report("", f',"info":[{listed("{}", n)}]'),
    "infos that are deep": lambda n: report("", f',"info":[{listed("{}", n)},{deep(1)}]'),
    "many members of gzip": lambda n: gzip.compress(b"") * n,
    "many workloads": lambda n: metrics(f'{{"workloads":[{listed("{}", n)}]}}'),
    "many recommendations": lambda n: metrics(listed("{}", n)),
    "many namespaces": lambda n: metrics(
        '{"workloads":[' + ",".join(f'{{"namespace_uid":"{at}"}}' for at in range(n)) + "]}"
    ),
    "many tags that are deep": lambda n: metrics(f'{{"tags":[{deep(n)}]}}'),
    "many links": lambda n: metrics(f'{{"links":{{"jira":[{listed(chr(34) * 2, n)}]}}}}'),
    "many recommendations and a lone surrogate": lambda n: metrics(listed("{}", n), LONE),
}


def decode(value: bytes) -> None:
    for decoder in (OcpDecoder(None, MOST), DvoDecoder(None, MOST)):
        with contextlib.suppress(InvalidMessage):
            decoder.decode(value)


@pytest.mark.parametrize("name", HOSTILE)
def test_steps_grow_with_the_size(name: str) -> None:
    # what is cached is cached for all of them
    decode(HOSTILE[name](SIZES[-1]))
    counts = [steps(partial(decode, HOSTILE[name](size))) for size in SIZES]
    # twice the size is twice the steps, or a limit stops it before
    assert counts[2] - counts[1] <= 2.2 * max(0, counts[1] - counts[0]) + 100, counts
    assert counts[2] < 400 * SIZES[2] + 200_000, counts


def test_the_bytes_that_zlib_gets_and_gives_back_grow_with_the_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    copied = 0

    class Counting:
        def __init__(self, bits: int) -> None:
            self._own = zlib.decompressobj(bits)

        def decompress(self, data: bytes, most: int) -> bytes:
            nonlocal copied
            part = self._own.decompress(data, most)
            copied += len(data) + len(self._own.unused_data)
            return part

        def __getattr__(self, name: str) -> Any:
            return getattr(self._own, name)

    class Zlib:
        decompressobj = Counting
        error = zlib.error

    monkeypatch.setattr(payload, "zlib", Zlib)
    counts = []
    for members in (1000, 2000, 4000):
        copied = 0
        assert payload.unpacked(gzip.compress(b"x") * members, MOST) == b"x" * members
        counts.append(copied)
    assert counts[2] < 2.2 * counts[1] < 5 * counts[0]
    assert counts[2] < 100 * 4000 * len(gzip.compress(b"x"))


@pytest.mark.parametrize(
    "text", ["1" * 10**6, "2025-03-01T10:00:00." + "1" * 10**6 + "x", "." * 10**6]
)
def test_a_long_text_is_no_time(text: str) -> None:
    with pytest.raises(InvalidInput):
        times.moment(text)


@pytest.mark.parametrize("place", ["OrgID", "AccountNumber", "Version", "ClusterName", "component"])
def test_a_number_of_many_digits_is_refused_wherever_it_is(place: str) -> None:
    digits = "9" * 5000
    value = report('{"component":"r","key":"k","details":{}}')[:-1]
    value += f', "{place}": {digits}}}'.encode()
    value = value.replace(b'"r"', digits.encode()) if place == "component" else value
    with pytest.raises(InvalidMessage) as caught:
        OcpDecoder(None, MOST).decode(value)
    assert caught.value.kind == "type"
