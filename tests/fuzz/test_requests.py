"""Ten thousand requests that nobody should send: none breaks us, none sees foreign rows."""

from __future__ import annotations

import asyncio
import http.client
import json
import random
import re
import socket
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from . import multi_tenant_service as tenants

REQUESTS, CONNECTIONS, SEED = 10_000, 4, 20_261_124
METHODS = ("GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "BREW")
OURS, THEIRS = tenants.clusters()
RULE, KEY = (
    "ccx_rules_ocp.external.rules.nodes_requirements_check.report",
    "NODES_MINIMUM_REQUIREMENTS_NOT_MET",
)
GOOD: dict[str, list[str]] = {
    "org_id": ["101", "101", "101", "102", "103"],
    "organization": ["101", "102"],
    "organizations": ["102", "101,102", "103,1"],
    "cluster": OURS + THEIRS,
    "clusters": [*THEIRS, f"{OURS[0]},{THEIRS[0]}"],
    "cluster_list": [*OURS, f"{OURS[0]},{OURS[1]}", f"{OURS[0]},{THEIRS[0]}"],
    "user_id": ["user-1", "user-2", "user-8"],
    "rule_id": [RULE, RULE, f"{RULE}|{KEY}", "ccx_rules_ocm.tutorial_rule.report"],
    "error_key": [KEY, "TUTORIAL_ERROR"],
    "rule_selector": [f"{RULE.removesuffix('.report')}|{KEY}"],
    "namespace": ["11111111-aaaa-4aaa-8aaa-111111111111", "billing"],
}
# as they stand in the path, so what should be encoded is
NASTY = [
    "'", "%27%20OR%20%271%27=%271", "%22", "%27;DROP%20TABLE%20report;--", "%00", "a%00b", "%2F",
    "..%2F..%2Fetc", "%", "%zz", "%F", "%FF%FE", "%C3%28", "%ED%A0%80", quote("žluťoučký ✓ 𝄞"),
    "x" * 4096, "%F0%9F%92%A9" * 400, "0", "-1", "2147483648", "4294967296", "9" * 4096,
    "99999999999999999999", "1e3", "0x65", "%D9%A1", "null", "true", "%20", "%0A", "%0D%0A", "+",
    "*", "%25", "_", "%5C", ",", "101,", "101,102", ".", "..", "", "?a=%00", "#", "a|B", "|",
    "žluť", "{}", "$%7Bx%7D",
]  # fmt: skip
VALUES: list[Any] = [
    None, True, 0, -1, 2, 1.5, 10**400, "", "x", "'", '"; DROP TABLE report; --', "a\0b", "ž✓𝄞",
    "y" * 4096, [], {}, [None], [[]], [1], {"a": []}, "\ud800", OURS, THEIRS[:2], OURS[0],
    f"{RULE}|{KEY}", 1, float("nan"),
]  # fmt: skip
NAMES = ("message", "clusters", "Clusters", "justification", "rule", "rating", "other")


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it goes over the wire."""

    method: str
    raw: bytes
    text: str


class Generator:
    """Makes requests, the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        paths = json.loads(tenants.DESCRIPTION.read_text())["paths"]
        self._routes = [
            (path, [name.upper() for name in operations if name.upper() in METHODS])
            for path, operations in paths.items()
        ]

    def request(self) -> Request:
        """Return the next request: a known route with something wrong, or nothing."""
        chance = self._random
        template, methods = chance.choice(self._routes)
        method = chance.choice(methods if chance.random() < 0.85 else METHODS)
        nasty = chance.choice([0.0, 0.1, 0.3, 1.0])
        path = re.sub(r"\{(\w+)\}", lambda found: self._value(found[1], nasty), template)
        target = path if template in ("/livez", "/readyz") else tenants.PREFIX + path
        body = self._body() if chance.random() < 0.6 or method in ("POST", "PUT") else b""
        return Request(method, self._wire(method, target, body), target + repr(body))

    def _value(self, name: str, nasty: float) -> str:
        chance = self._random
        good = quote(chance.choice(GOOD[name]), safe=",")
        if chance.random() >= nasty:
            return good
        bad = chance.choice(NASTY)
        return bad if chance.random() < 0.7 else good + bad

    def _body(self) -> bytes:
        chance = self._random
        value = chance.choice(VALUES)
        if chance.random() < 0.7:
            names = chance.sample(NAMES, chance.randint(1, 3))
            value = {name: chance.choice(VALUES) for name in names}
        raw = json.dumps(value, ensure_ascii=chance.random() < 0.5).encode(errors="surrogatepass")
        kind = chance.random()
        if kind < 0.15:
            return raw[: chance.randrange(len(raw))]
        if kind < 0.2:
            return raw[:2] + bytes(chance.randrange(256) for _ in range(20)) + raw[2:]
        return b"[" * 5000 if kind < 0.21 else raw

    def _wire(self, method: str, target: str, body: bytes) -> bytes:
        head = f"{method} {target} HTTP/1.1\r\nHost: fuzz\r\nx-rh-identity: {tenants.token()}\r\n"
        if self._random.random() < 0.1 and body:
            size = f"{len(body):x}".encode()
            body = size + b"\r\n" + body + b"\r\n0\r\n\r\n"
            head += "Transfer-Encoding: chunked\r\n"
        else:
            head += f"Content-Length: {len(body)}\r\n"
        return head.encode() + b"\r\n" + body


class Client:
    """A connection that is kept alive as long as the server likes."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def send(self, request: Request) -> tuple[int, str, bytes]:
        """Send; return status, content type and body."""
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=20)
        self._socket.sendall(request.raw)
        answer = http.client.HTTPResponse(self._socket, method=request.method)
        answer.begin()
        body, closing = answer.read(), answer.will_close
        answer.close()
        if closing:
            self.close()
        return answer.status, answer.headers.get_content_type(), body

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def judged(request: Request, status: int, kind: str, body: bytes) -> list[str]:
    """Return what is wrong with an answer."""
    wrong = ["status"] if status >= 500 else []
    text = body.decode(errors="replace")
    wrong += [f"leaks {one}" for one in THEIRS if one in text and one not in request.text]
    if kind == "application/json":
        document = json.loads(body or b"{}")
        if 400 <= status < 500 and list(document) != ["status"]:
            wrong.append("shape")
    return [f"{one}: {status} {text[:150]} <- {request.raw[:300]!r}" for one in wrong]


def fuzz(port: int, seed: int, seen: Counter[int]) -> list[str]:
    """Send this connection's share; return what was wrong."""
    generator, client, wrong = Generator(seed), Client(port), []
    for _ in range(REQUESTS // CONNECTIONS):
        request = generator.request()
        try:
            answer = client.send(request)
        except (OSError, http.client.HTTPException, ValueError) as error:
            client.close()
            wrong.append(f"{error!r} <- {request.raw[:300]!r}")
            continue
        seen[answer[0]] += 1
        wrong += judged(request, *answer)
    client.close()
    return wrong


async def test_no_request_breaks_the_service_or_sees_another_organization(tmp_path: Path) -> None:
    seen = [Counter[int]() for _ in range(CONNECTIONS)]
    async with tenants.service(tmp_path, auth=True) as (port, engine):
        before = await tenants.rows_of_others(engine)
        found = await asyncio.gather(
            *(asyncio.to_thread(fuzz, port, SEED + at, seen[at]) for at in range(CONNECTIONS))
        )
        after = await tenants.rows_of_others(engine)
    wrong = [line for lines in found for line in lines]
    assert not wrong, f"{len(wrong)}\n" + "\n".join(wrong[:20])
    assert any(before.values())
    assert after == before
    total = sum(seen, Counter[int]())
    assert total.total() == REQUESTS
    assert min(total[status] for status in (200, 400, 403, 404, 405)) > 100, total
