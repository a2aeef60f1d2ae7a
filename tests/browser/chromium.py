"""Chromium under test: opens pages, collects what is wrong with them, takes screenshots."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from selenium import webdriver
from selenium.common.exceptions import TimeoutException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

HERE = Path(__file__).parent
AXE = HERE / "vendor" / "axe-core" / "axe.min.js"
# kept as artefacts, not in the repository
SCREENSHOTS = HERE / "screenshots"
SECONDS = 30
# characters of a page in the message of a failure
MOST_SHOWN = 1000
DESKTOP, PHONE = (1280, 900), (380, 800)
# impacts of axe's findings that a page must not have
SERIOUS = ("serious", "critical")
ARGUMENTS = (
    "--headless=new",
    # nothing but the pages under test talks to the network
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    # containers have a small /dev/shm
    "--disable-dev-shm-usage",
    # the same picture on every machine
    "--force-device-scale-factor=1",
    "--hide-scrollbars",
    "--lang=en",
)
RUN_AXE = """
const done = arguments[arguments.length - 1];
axe.run(document, {resultTypes: ["violations"]}).then(
  (results) => done(results.violations.map((found) => ({
    rule: found.id,
    impact: found.impact,
    elements: found.nodes.map((node) => `${node.target}: ${node.failureSummary}`),
  }))),
  (error) => done([{rule: "axe", impact: "critical", elements: [String(error)]}]),
);
"""


def programs() -> tuple[str, str]:
    """Return the paths of Chromium and its driver; without them skip the test.

    With REQUIRE_SERVICES=1 a missing one is a failure: CI must not skip in silence.
    """
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    driver = shutil.which("chromedriver")
    if browser and driver:
        return browser, driver
    reason = "needs Chromium and its driver (packages chromium and chromium-driver)"
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def chromium() -> Iterator[webdriver.Chrome]:
    """Give a browser without a window; skip the test without one."""
    browser, driver = programs()
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in ARGUMENTS:
        options.add_argument(argument)
    if os.geteuid() == 0:
        # the sandbox needs another user than root
        options.add_argument("--no-sandbox")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    # named, because selenium would download one
    service = webdriver.ChromeService(driver)
    started = webdriver.Chrome(options=options, service=service)
    started.set_page_load_timeout(SECONDS)
    started.set_script_timeout(SECONDS)
    try:
        yield started
    finally:
        started.quit()


class Page:
    """A tab at pages of one origin."""

    def __init__(self, driver: webdriver.Chrome, origin: str) -> None:
        self.driver = driver
        self.origin = origin
        self._logged: list[str] = []
        self._requested: list[str] = []
        self.show(DESKTOP)
        self.scheme("light")

    def open(self, path: str) -> None:
        """Load a path; return when its `load` event has fired."""
        # a navigation to another fragment would load nothing
        self.driver.get("about:blank")
        self.driver.get(self.origin + path)

    def show(self, size: tuple[int, int]) -> None:
        """Set width and height of the viewport, in CSS pixels."""
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1}
        self._command(
            "Emulation.setDeviceMetricsOverride", metrics | {"mobile": width < DESKTOP[0]}
        )

    def scheme(self, scheme: str) -> None:
        """Prefer a colour scheme, light or dark; animations are reduced, for pictures."""
        features = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
        self._command(
            "Emulation.setEmulatedMedia",
            {"features": [{"name": name, "value": value} for name, value in features.items()]},
        )

    def _command(self, name: str, arguments: dict[str, Any]) -> None:
        self.driver.execute_cdp_cmd(name, arguments)

    def find(self, selector: str) -> WebElement:
        """Return the first element that matches a CSS selector, as soon as there is one."""
        return self.until(lambda: self.all(selector), selector)[0]

    def all(self, selector: str) -> list[WebElement]:
        """Return all elements that match a CSS selector now."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector: str = "body") -> str:
        """Return the visible text of an element."""
        return self.find(selector).text

    def until(self, condition: Callable[[], Any], what: str) -> Any:
        """Return what the condition returns as soon as it is true; raise TimeoutException."""
        wait = WebDriverWait(self.driver, SECONDS, poll_frequency=0.05)
        try:
            return wait.until(lambda _: condition())
        except TimeoutException:
            # what it shows at the end, not when the waiting began
            raise TimeoutException(f"{what}, while the page shows:\n{self._shown()}") from None

    def until_text(self, text: str, selector: str = "body") -> None:
        """Wait until an element contains the text."""
        self.until(lambda: any(text in each for each in self.texts(selector)), text)

    def texts(self, selector: str) -> list[str]:
        """Return the visible text of all elements that match a CSS selector now.

        Read at once, since a page that is live replaces elements meanwhile.
        """
        found: list[str] = self.driver.execute_script(
            "return [...document.querySelectorAll(arguments[0])].map((each) => each.innerText)",
            selector,
        )
        return found

    def _shown(self) -> str:
        bodies = self.all("body")
        return bodies[0].text[:MOST_SHOWN] if bodies else ""

    def press(self, *keys: str) -> None:
        """Press keys one after the other, on the element that has the focus."""
        for key in keys:
            self.driver.switch_to.active_element.send_keys(key)

    def tab_to(self, selector: str, most: int = 100) -> WebElement:
        """Press Tab until an element that matches has the focus; fail after `most` times."""
        for _ in range(most):
            self.press(Keys.TAB)
            focused = self.driver.switch_to.active_element
            if self.driver.execute_script(
                "return arguments[0].matches(arguments[1])", focused, selector
            ):
                return focused
        raise AssertionError(f"{selector} is not reached by {most} times Tab")

    def overflow(self) -> int:
        """Return how many pixels the page is wider than the viewport."""
        width: int = self.driver.execute_script(
            "const root = document.documentElement; return root.scrollWidth - root.clientWidth"
        )
        return width

    def complaints(self) -> list[str]:
        """Return errors in the console, violations of the Content-Security-Policy included."""
        self._logged += [
            entry["message"]
            for entry in self.driver.get_log("browser")
            if entry["level"] == "SEVERE"
        ]
        return self._logged

    def forget_complaints(self) -> None:
        """Forget errors so far, which the test has provoked."""
        self.complaints()
        self._logged.clear()

    def requests(self) -> list[str]:
        """Return the URLs of all requests, those of blobs and data URLs excluded."""
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] in ("Network.requestWillBeSent", "Network.webSocketCreated"):
                parameters = message["params"]
                self._requested.append(parameters.get("request", parameters)["url"])
        return [url for url in self._requested if urlsplit(url).scheme not in ("data", "blob")]

    def foreign_requests(self) -> list[str]:
        """Return the URLs of requests to another origin."""
        return [url for url in self.requests() if not url.startswith(self.origin + "/")]

    def accessibility(self) -> list[dict[str, Any]]:
        """Return axe's serious and critical findings."""
        # through the driver, to which the Content-Security-Policy does not apply
        self.driver.execute_script(AXE.read_text(encoding="utf-8"))
        found: list[dict[str, Any]] = self.driver.execute_async_script(RUN_AXE)
        return [each for each in found if each["impact"] in SERIOUS]

    def screenshot(self, name: str) -> Path:
        """Write a picture of the viewport to the folder of artefacts; return its path."""
        SCREENSHOTS.mkdir(exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        self.driver.save_screenshot(str(path))
        return path

    def look(self, name: str) -> None:
        """Check the page in both colour schemes, on a desktop and a phone; take pictures."""
        for scheme in ("light", "dark"):
            self.scheme(scheme)
            for device, size in (("desktop", DESKTOP), ("phone", PHONE)):
                self.show(size)
                where = f"{name}-{scheme}-{device}"
                self.screenshot(where)
                assert self.overflow() <= 0, f"{where} scrolls sideways"
            # it takes seconds on a large page, and colours are what differs
            found = self.accessibility()
            assert not found, f"{where}: {json.dumps(found, indent=1)}"
        self.show(DESKTOP)
        self.scheme("light")


@contextmanager
def tab(driver: webdriver.Chrome, origin: str) -> Iterator[Page]:
    """Give a new tab; fail if a page in it complained or asked another host for something."""
    driver.switch_to.new_window("tab")
    page = Page(driver, origin)
    try:
        yield page
        complaints, foreign = page.complaints(), page.foreign_requests()
    finally:
        driver.close()
        driver.switch_to.window(driver.window_handles[0])
    assert not complaints, complaints
    assert not foreign, foreign
