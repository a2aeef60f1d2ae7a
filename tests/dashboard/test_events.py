"""Server-sent events: nothing runs while nobody looks, limits, what each page may see."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from aggregator.dashboard import events
from aggregator.dashboard.events import Hub
from aggregator.errors import Unavailable
from aggregator.model import OrgId
from aggregator.service import Service
from tests.dashboard.outcomes import outcome
from tests.dashboard.serving import identity, listening, request, serving

HOSTILE = "<img src=x onerror=alert(1)>\n\nevent: status\ndata: {}\u2028</script>"


class Page:
    """A listener that keeps what it is sent."""

    def __init__(self, scope: int | None = None) -> None:
        self.scope_of_events = None if scope is None else OrgId(scope)
        self.seen = -1
        self.sent: asyncio.Queue[bytes] = asyncio.Queue()
        self.ended = False

    def push(self, data: bytes) -> bool:
        """Keep the data."""
        self.sent.put_nowait(data)
        return True

    def end(self) -> None:
        """Note the end."""
        self.ended = True


class Source:
    """Counts how often the document is composed."""

    def __init__(self) -> None:
        self.asked = 0
        self.messages: list[dict[str, Any]] = []
        self.error: Unavailable | None = None

    async def document(self) -> str:
        """Return a document with the number of this call."""
        self.asked += 1
        if self.error:
            raise self.error
        return json.dumps({"asked": self.asked, "invalid": self.messages})


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "INTERVAL_SECONDS", 0.01)


def hub_of(service: Service) -> Hub:
    """Return the hub of a running service."""
    assert service.dashboard is not None
    return service.dashboard.hub


async def test_nothing_runs_before_the_first_listener_and_after_the_last() -> None:
    source = Source()
    hub = Hub(source.document)
    assert not hub.running
    one, other = Page(), Page()
    hub.enter(one)
    hub.enter(other)
    for page in (one, other):
        assert b'"asked":1' in await page.sent.get()
    hub.leave(one)
    assert hub.running
    hub.leave(other)
    assert not hub.running
    asked = source.asked
    await asyncio.sleep(0.05)
    assert source.asked == asked


async def test_all_listeners_share_one_composition() -> None:
    source = Source()
    hub = Hub(source.document)
    pages = [Page() for _ in range(10)]
    for page in pages:
        hub.enter(page)
    assert len({await page.sent.get() for page in pages}) == 1
    assert source.asked == 1
    hub.close()


async def test_no_more_listeners_than_the_limit() -> None:
    hub = Hub(Source().document, most=1)
    first = Page()
    hub.enter(first)
    with pytest.raises(Unavailable, match="1 pages listen already"):
        hub.enter(Page())
    hub.leave(first)
    hub.enter(Page())
    hub.close()


async def test_a_source_that_is_unavailable_is_reported_and_asked_again() -> None:
    source, page = Source(), Page()
    source.error = Unavailable("the first process does not answer")
    hub = Hub(source.document)
    hub.enter(page)
    assert await page.sent.get() == (
        b'event: unavailable\ndata: {"reason":"the first process does not answer"}\n\n'
    )
    source.error = None
    while not (await page.sent.get()).startswith(b"event: status"):
        pass
    hub.close()


async def test_an_unexpected_error_ends_the_streams_so_that_pages_connect_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    source, page = Source(), Page()
    hub = Hub(source.document)
    source.messages = [{"without": "a number"}]
    hub.enter(page)
    async with asyncio.timeout(10):
        while hub.running:
            await asyncio.sleep(0.01)
    assert page.ended
    assert "dashboard: unexpected error" in caplog.text
    source.messages = []
    again = Page()
    hub.enter(again)
    assert b"event: status" in await again.sent.get()
    hub.close()


async def test_invalid_messages_are_sent_once_and_again_when_there_are_more() -> None:
    source, page = Source(), Page()
    hub = Hub(source.document)
    hub.enter(page)
    assert b"\n\nevent: invalid\ndata: []\n\n" in await page.sent.get()
    assert b"event: invalid" not in await page.sent.get()
    source.messages = [{"number": 1, "organization": 1}]
    while b"event: invalid" not in (sent := await page.sent.get()):
        assert sent.startswith(b"event: status")
    assert b'"number":1' in sent
    hub.close()


async def test_the_stream_begins_at_once_and_ends_with_the_service(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, listening(service.port) as page:
        assert page.status == 200
        assert page.headers["content-type"].startswith("text/event-stream")
        assert page.headers["cache-control"] == "no-store"
        document = await page.next("status")
        assert document["dependencies"][0]["name"] == "database"
        assert document["dependencies"][0]["state"] == "up"
        assert document["ingest"]["enabled"] is False
        assert await page.next("invalid") == []
        await service.stop()
        with pytest.raises(EOFError):
            await page.next("end of the stream")


async def test_a_closed_page_is_forgotten(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        hub = hub_of(service)
        assert not hub.running
        async with listening(service.port) as page:
            await page.next("status")
            assert hub.running
        async with asyncio.timeout(10):
            while hub.running:
                await asyncio.sleep(0.01)


async def test_a_page_that_does_not_read_is_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "event", lambda name, data: b"x" * 4_000_000)
    async with serving(tmp_path) as service:
        hub = hub_of(service)
        async with listening(service.port), asyncio.timeout(10):
            while hub.running:
                await asyncio.sleep(0.01)


async def test_more_pages_than_the_limit_are_answered_503(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        hub_of(service)._most = 1
        async with listening(service.port) as page:
            await page.next("status")
            answer = await request(service.port, "/dashboard/events")
            assert (answer.status, answer.headers["retry-after"]) == (503, "5")


async def test_a_token_is_needed(tmp_path: Path) -> None:
    async with serving(tmp_path, auth=True) as service:
        answer = await request(service.port, "/dashboard/events")
        assert (answer.status, answer.document) == (401, {"status": "Missing auth token"})
        assert not hub_of(service).running
        async with listening(service.port, identity(1)) as page:
            assert page.status == 200


@pytest.mark.parametrize(("check", "hidden"), [("strict", True), ("legacy", False)])
async def test_reasons_of_another_organization_are_hidden(
    tmp_path: Path, check: str, hidden: bool
) -> None:
    async with serving(tmp_path, auth=True, check=check) as service:
        assert service.dashboard is not None
        mine = outcome(1, org=1, kind="attribute", error="mine", cluster="mine-too")
        theirs = outcome(2, org=2, kind="attribute", error="secret", cluster="secret-too")
        nobodys = outcome(3, org=None, kind="json", error="secret", cluster="")
        service.dashboard.recorder.processed([mine, theirs, nobodys], 0.1)
        async with listening(service.port, identity(1)) as page:
            messages = await page.next("invalid")
    assert [one["offset"] for one in messages] == [3, 2, 1]
    assert messages[2]["reason"] == "mine"
    assert ("secret" in json.dumps(messages)) is not hidden
    assert [one.get("hidden", False) for one in messages] == [hidden, hidden, False]


async def test_hostile_text_stays_inside_its_event(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        assert service.dashboard is not None
        bad = outcome(kind="attribute", error=HOSTILE, cluster=HOSTILE + "\udc80")
        service.dashboard.recorder.processed([bad], 0.1)
        async with listening(service.port) as page:
            (message,) = await page.next("invalid")
    assert message["reason"] == HOSTILE
    assert message["cluster"] == HOSTILE + "\ufffd"
