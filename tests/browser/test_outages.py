"""Outages as the dashboard shows them while they last."""

from __future__ import annotations

from pathlib import Path

from selenium import webdriver

from tests.browser.chromium import tab
from tests.dev_process import running

DATABASE = "section[aria-label=Dependencies] li:first-child"


def test_an_unavailable_database_is_shown_until_it_is_available_again(
    browser: webdriver.Chrome, tmp_path: Path
) -> None:
    """The file of SQLite is what can be taken away here."""
    file, taken = tmp_path / "aggregator.db", tmp_path / "taken.db"
    with (
        running(tmp_path, "--data", str(tmp_path), "--rate", "5") as dev,
        tab(browser, dev.origin) as page,
    ):
        page.open("/")
        page.until_text("up", DATABASE)
        file.rename(taken)
        page.until_text("down", DATABASE)
        page.until_text("is paused", ".notice")
        page.look("ingest-outage")
        taken.rename(file)
        page.until_text("up", DATABASE)
        page.until(lambda: not page.all(".notice"), "consuming goes on")
