"""The dashboard on a phone with the keyboard alone, and its longest names there."""

from __future__ import annotations

from urllib.parse import quote

from selenium.webdriver.common.keys import Keys

from tests.browser.chromium import PHONE, Page

CLUSTER = "5d5892d3-1f74-4ccf-91af-548dfc9767ab"
REPORT = f"/#/organizations/1/clusters/{CLUSTER}"
RULE = "ccx_rules_ocp.external.rules.nodes_requirements_check|NODES_MINIMUM_REQUIREMENTS_NOT_MET"


def test_a_message_is_sent_and_followed_to_its_report_by_keyboard(page: Page) -> None:
    page.show(PHONE)
    page.open("/")
    page.find("nav.main")
    page.tab_to("nav.main a[href='#/send']")
    page.press(Keys.ENTER)
    page.until_text("ten hits of organization 1", "select")
    page.tab_to("select")
    # a list selects what is typed
    page.press("ten hits of")
    page.until(lambda: CLUSTER in page.find("textarea").get_attribute("value"), "the sample")
    page.tab_to("button[type=submit]")
    page.press(Keys.ENTER)
    for step in ("Produced", "Decoded", "Stored", "Report"):
        page.until_text(step, ".way h2")
    page.until_text("10 rule hits", ".way")
    page.look("message-of-ten-hits")
    page.show(PHONE)
    page.tab_to(".way a[href*='/clusters/']")
    page.press(Keys.ENTER)
    page.until_text(f"Report of {CLUSTER}", "h1")


def test_vote_toggle_and_acknowledgement_are_given_by_keyboard(page: Page) -> None:
    page.show(PHONE)
    page.open(f"{REPORT}?user=kay")
    page.find(".hit")
    page.tab_to(".hit:first-child [role=group] button:first-child")
    page.press(Keys.ENTER)
    page.until_text("liked", ".hit:first-child header")
    for text, tag in (("too noisy", "disabled for this cluster"), ("known", "acknowledged")):
        page.tab_to(".hit:first-child button[aria-expanded]")
        page.press(Keys.ENTER)
        page.until(lambda: page.all(".hit input[name=text]:focus"), "the field has the focus")
        page.press(text, Keys.ENTER)
        page.until_text(tag, ".hit:first-child header")
        page.until_text(text, ".hit:first-child")
    page.look("report-changed")


def test_the_longest_names_fit_a_phone(page: Page) -> None:
    page.open(f"/#/organizations/1/recommendations/{quote(RULE, safe='')}")
    page.until_text(CLUSTER, "td")
    page.look("recommendation")
    page.open(REPORT)
    page.until_text("NODES_MINIMUM_REQUIREMENTS_NOT_MET", "main")
    page.look("report")
