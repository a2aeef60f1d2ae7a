"""Fixtures of the browser tests: one Chromium, one `dev`, and a page that must be without fault."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium import webdriver

from tests.browser.chromium import Page, chromium
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
    browser.switch_to.new_window("tab")
    tab = Page(browser, dev.origin)
    yield tab
    complaints, foreign = tab.complaints(), tab.foreign_requests()
    browser.close()
    browser.switch_to.window(browser.window_handles[0])
    assert not complaints
    assert not foreign
