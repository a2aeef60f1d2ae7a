"""The warning of a server without authentication that everybody can reach."""

from __future__ import annotations

from typing import Any

import pytest
from tornado.web import Application

from aggregator.config.options import ServerConfig
from aggregator.handlers.app import OPEN_TO_ALL, listen


async def warnings_of(address: str, caplog: pytest.LogCaptureFixture, **options: Any) -> list[str]:
    """Listen at the address; return what was warned of."""
    auth = options.pop("auth", False)
    server, _ = await listen(Application([]), ServerConfig(address=address, auth=auth), **options)
    await server.close(1)
    return [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize(
    ("address", "warned"),
    [
        (":0", True),
        ("0.0.0.0:0", True),
        ("0:0", True),
        ("[::]:0", True),
        ("[0::0]:0", True),
        ("127.0.0.1:0", False),
        ("localhost:0", False),
        ("[::1]:0", False),
    ],
)
async def test_an_open_address_is_warned_of_however_it_is_written(
    address: str, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    assert await warnings_of(address, caplog) == [OPEN_TO_ALL] * warned


async def test_the_first_of_several_processes_warns_for_all(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert await warnings_of(":0", caplog, shared=True, first=False) == []
    assert await warnings_of(":0", caplog, shared=True) == [OPEN_TO_ALL]


async def test_with_authentication_nothing_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    assert await warnings_of(":0", caplog, auth=True) == []
