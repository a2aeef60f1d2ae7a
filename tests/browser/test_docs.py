"""The documentation pages in Chromium: shown, used, reached, and without a violation."""

from __future__ import annotations

from selenium.webdriver.common.keys import Keys

from tests.browser.chromium import PHONE, Page

CLUSTERS = "#operations-organizations-list-clusters"
ORGANIZATION = "11789772"
CLUSTER = "5d5892d3-1f74-4ccf-91af-548dfc9767aa"


def test_the_viewer_shows_the_operations(page: Page) -> None:
    page.open("/docs")
    page.until_text("/organizations/{organization}/clusters")
    assert len(page.all(".opblock")) > 50
    page.look("docs")


def test_an_operation_is_tried_out_against_this_instance(page: Page) -> None:
    """The link is one that can be sent to a colleague; the keyboard alone does the rest."""
    page.open("/docs#/organizations/list-clusters")
    page.find(f"{CLUSTERS} .parameters input")
    page.tab_to(f"{CLUSTERS} .parameters input", most=300)
    page.press(ORGANIZATION)
    page.tab_to(f"{CLUSTERS} button.execute")
    page.press(Keys.ENTER)
    page.until_text(CLUSTER, f"{CLUSTERS} .live-responses-table")
    assert (
        f"{page.origin}/api/insights-results-aggregator/v1/organizations/{ORGANIZATION}/clusters"
        in (page.requests())
    )
    page.find(CLUSTERS)
    page.look("docs-tried-out")


def test_opened_operation_is_in_the_address(page: Page) -> None:
    page.open("/docs")
    page.find(f"{CLUSTERS} button.opblock-summary-control").click()
    page.find(f"{CLUSTERS} .opblock-body")
    page.until(
        lambda: page.driver.current_url.endswith("/docs#/organizations/list-clusters"), "address"
    )


def test_the_messages_are_shown_with_their_attributes(page: Page) -> None:
    page.open("/docs/messages")
    page.until_text("ccx.ocp.results")
    page.until_text("RFC 3339 with a zone", "#ocp")
    page.until_text("x-error-kind", "#letter")
    page.look("messages")


def test_a_link_to_a_message_leads_to_it(page: Page) -> None:
    page.open("/docs/messages#letter")
    page.find("#letter")
    page.until(
        lambda: page.driver.execute_script(
            "return document.getElementById('letter').getBoundingClientRect().top < innerHeight"
        ),
        "the dead letter in view",
    )


def test_the_pages_are_reached_by_keyboard(page: Page) -> None:
    page.show(PHONE)
    page.open("/docs")
    page.find(".opblock")
    assert page.tab_to("a.skip").is_displayed()
    page.tab_to("nav a[href='/docs/messages']")
    page.press(Keys.ENTER)
    page.until_text("Topics", "caption")
    page.tab_to("a[href='#dvo']")
    page.press(Keys.ENTER)
    assert page.driver.current_url.endswith("/docs/messages#dvo")


def test_an_unavailable_description_is_said(page: Page) -> None:
    page.driver.execute_cdp_cmd("Network.enable", {})
    page.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*openapi.json", "*ocp_*"]})
    page.open("/docs")
    page.until_text("The description of the API cannot be shown", "[role=alert]")
    page.open("/docs/messages")
    page.until_text("The messages cannot be shown", "[role=alert]")
    page.forget_complaints()
