"""Fixtures of the browser tests: one Chromium, one `dev`, and a page that must be without fault."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium import webdriver

from tests.browser.chromium import Page, chromium, tab
from tests.dev_process import DevProcess, running


@pytest.fixture(scope="session")
def browser() -> Iterator[webdriver.Chrome]:
    """Give a browser that all tests share."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def dev(
    browser: webdriver.Chrome, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DevProcess]:
    """Give a `dev` that holds the fixtures and gets no further messages by itself."""
    with running(tmp_path_factory.mktemp("dev"), "--rate", "0") as started:
        yield started


@pytest.fixture
def page(browser: webdriver.Chrome, dev: DevProcess) -> Iterator[Page]:
    """Give a new tab; fail if a page in it complained or asked another host for something."""
    with tab(browser, dev.origin) as opened:
        yield opened
