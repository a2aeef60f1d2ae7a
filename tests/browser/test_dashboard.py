"""The dashboard in Chromium: its views, the way of a message, hostile text, long lists, outages."""

from __future__ import annotations

import json
import signal
import urllib.request
import uuid
from pathlib import Path
from typing import Any

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from testing.fixtures import shipped_messages
from tests.browser.chromium import PHONE, Page
from tests.dev_process import running
from tests.integration.program import free_port

API = "/api/insights-results-aggregator/v1"
ORGANIZATION = 7654321
HOSTILE = '</pre><img src=x onerror="window.hit=1"><script>window.hit=1</script>\'"&lt;{{1+1}}'
DEFAULT_ROWS = 60

# what the API would answer with so many organizations and clusters
MANY = """
const real = fetch;
const id = (at) => `${String(at).padStart(8, "0")}-0000-4000-8000-000000000000`;
window.fetch = (url, options) => {
  const path = new URL(url, location.href).pathname;
  const answer = (document) => Promise.resolve(new Response(JSON.stringify(document)));
  if (path.endsWith("/v1/organizations")) {
    return answer({organizations: Array.from({length: 1000}, (_, at) => at + 1)});
  }
  if (path.endsWith("/v1/organizations/1/clusters")) {
    return answer({clusters: Array.from({length: 10000}, (_, at) => id(at))});
  }
  return real(url, options);
};
"""
NEEDS_TOKEN = """
const real = fetch;
window.fetch = async (url, options = {}) => {
  const answer = await real(url, options);
  if (!String(url).endsWith("about.json")) return answer;
  const given = (options.headers ?? {})["x-rh-identity"];
  const about = {...await answer.json(), auth_type: "xrh", token_accepted: given === "good"};
  return new Response(JSON.stringify(about));
};
"""


def message(name: str = "one_hit", **attributes: Any) -> dict[str, Any]:
    """Return a shipped message of a new cluster, with other attributes."""
    document: dict[str, Any] = json.loads(shipped_messages("ocp")[name])
    return document | {"OrgID": ORGANIZATION, "ClusterName": str(uuid.uuid4())} | attributes


def produced(page: Page, document: dict[str, Any]) -> str:
    """Send a message through the page's endpoint; return the address of its way."""
    body = json.dumps({"kind": "ocp", "value": json.dumps(document)}).encode()
    request = urllib.request.Request(
        page.origin + "/dashboard/messages", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        place = json.load(answer)
    return f"/#/messages/{place['topic']}/{place['partition']}/{place['offset']}"


def asked(page: Page, path: str) -> Any:
    """Return what the API answers."""
    with urllib.request.urlopen(f"{page.origin}{API}/{path}", timeout=30) as answer:
        return json.load(answer)


def before_each_page(page: Page, script: str) -> None:
    """Run a script in each page of this tab before its own ones."""
    page.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": script})


def button(page: Page, text: str) -> None:
    """Press the first button with this text."""
    page.until(lambda: text in page.texts("main button"), text)
    page.all("main button")[page.texts("main button").index(text)].click()


def test_ingest_and_rest_are_shown_live(page: Page) -> None:
    page.open("/")
    page.until_text("ccx.ocp.results", "main td")
    page.until_text("up", ".dot.up")
    page.until_text("live", "header .dot.up")
    assert page.find(".uplot canvas").size["width"] > 300
    page.look("dashboard-ingest")
    page.open("/#/rest")
    page.until_text("/organizations/{org_id}/clusters/{cluster}/users/{user_id}/report", "td")
    page.look("dashboard-rest")


def test_a_message_is_followed_to_its_report(page: Page) -> None:
    page.open("/#/send")
    page.until_text("five hits", "select")
    Select(page.find("main select")).select_by_visible_text("five hits")
    page.until(lambda: "LastChecked" in page.find("textarea").get_attribute("value"), "sample")
    button(page, "New cluster ID")
    button(page, "Send")
    for step in ("Produced", "Decoded", "Stored", "Report"):
        page.until_text(step, ".way h2")
    page.until_text("rule_hit: 5 rows", ".way summary")
    page.until_text("5 rule hits", ".way")
    page.find(".way summary .id").click()
    page.look("dashboard-message")
    page.find(".way a[href*='/clusters/']").click()
    page.until_text("Report of", "h1")
    page.until(lambda: len(page.all(".hit")) == 5, "five hits")


def test_an_invalid_message_is_shown_with_its_dead_letter_and_replayed(page: Page) -> None:
    page.open(produced(page, message(ClusterName=HOSTILE)))
    page.until_text("Not decoded", ".way h2")
    page.until_text("x-original-offset", ".way td")
    page.look("dashboard-dead-letter")
    address = page.driver.current_url
    button(page, "Replay into ccx.ocp.results")
    page.until(lambda: page.driver.current_url != address, "the replayed message")
    page.until_text("x-replayed-from", ".way td")
    page.open("/")
    page.until_text(HOSTILE[:20], "main td")
    assert page.driver.execute_script("return window.hit") is None
    page.look("dashboard-invalid")


def test_hostile_details_are_text(page: Page) -> None:
    document = message()
    hit = document["Report"]["reports"][0]
    hit["details"] |= {HOSTILE: HOSTILE, "link": "[x](javascript:window.hit=1)"}
    page.open(produced(page, document))
    page.until_text("1 rule hit", ".way")
    page.open(f"/#/organizations/{ORGANIZATION}/clusters/{document['ClusterName']}?user=<b>ann")
    page.find(".hit details summary").click()
    page.until_text("javascript:window.hit=1", ".hit pre")
    assert "onerror" in page.text(".hit pre")
    page.until_text("<b>ann", ".hit")
    assert page.driver.execute_script("return window.hit") is None
    assert not page.all("main img, main script, main b, .hit a")


def test_a_hit_is_voted_on_disabled_and_acknowledged(page: Page) -> None:
    document = message(OrgID=ORGANIZATION + 1)
    org, cluster = document["OrgID"], document["ClusterName"]
    page.open(produced(page, document))
    page.until_text("1 rule hit", ".way")
    report = f"organizations/{org}/clusters/{cluster}/users/bob/report"
    page.open(f"/#/organizations/{org}/clusters/{cluster}?user=bob")
    button(page, "Like")
    page.until_text("liked", ".hit .tag")
    assert asked(page, report)["report"]["reports"][0]["user_vote"] == 1
    button(page, "Disable for this cluster")
    page.find(".hit input").send_keys("too noisy", Keys.ENTER)
    page.until_text("disabled for this cluster", ".hit .tag")
    page.until_text("too noisy", ".hit dd")
    button(page, "Acknowledge for the organization")
    page.find(".hit input").send_keys("known", Keys.ENTER)
    page.until_text("acknowledged", ".hit .tag")
    (ack,) = asked(page, f"rules/organizations/{org}/disabled_system_wide")["disabledRules"]
    assert ack["justification"] == "known"
    page.look("dashboard-report")
    page.find(".curl summary").click()
    page.until_text(f"curl '{page.origin}{API}/{report}'", ".curl pre")
    page.open(f"/#/organizations/{org}?show=acknowledgements")
    page.until_text("known", "td")
    page.until_text(cluster, "td")
    page.open(f"/#/organizations/{org}/clusters/{cluster}?user=bob")
    for action, gone in (
        ("Withdraw the acknowledgement", "acknowledged"),
        ("Enable for this cluster", "disabled for this cluster"),
        ("Like", "liked"),
    ):
        button(page, action)
        page.until(lambda gone=gone: gone not in page.texts(".tag"), gone)


def test_an_organization_is_explored(page: Page) -> None:
    page.open("/#/organizations")
    page.until_text("11789772", "main a")
    page.find("main a[href='#/organizations/11789772']").click()
    page.until_text("5d5892d3-1f74-4ccf-91af-548dfc9767aa", "td a")
    page.until_text("years ago", "td")
    page.find("input[type=search]").send_keys("5d58")
    page.until(lambda: "prefix=5d58" in page.driver.current_url, "the prefix in the address")
    page.look("dashboard-clusters")
    page.open("/#/organizations/11789772?show=recommendations")
    page.until_text("tutorial_rule", "td a")
    page.look("dashboard-recommendations")
    page.find("td a[title^='ccx_rules_ocp.external.tutorial_rule']").click()
    page.until_text("5d5892d3-1f74-4ccf-91af-548dfc9767aa", "td a")
    page.open("/#/organizations/2?show=workloads")
    page.until_text("shop", "td a")
    page.look("dashboard-workloads")
    next(one for one in page.all("td a") if one.text == "shop").click()
    page.until_text("Namespace shop", "h1")
    page.until_text("DVO_RUN_AS_NON_ROOT", "h2")


def test_long_lists_are_shown_in_pages(page: Page) -> None:
    before_each_page(page, MANY)
    page.open("/#/organizations")
    page.until_text("of 1,000 organizations")
    assert len(page.all(".tiles li")) <= DEFAULT_ROWS
    page.open("/#/organizations/1")
    page.until_text("50 of 10,000 clusters")
    assert len(page.all("main tr")) <= DEFAULT_ROWS
    button(page, "Last")
    page.until_text("10,000 of 10,000 clusters")
    page.until_text("00009999-0000", "td")
    page.find("input[type=search]").send_keys("0000123")
    page.until_text("10 clusters", ".pages")
    assert [one[:8] for one in page.texts("td.id")][:2] == ["00001230", "00001231"]


def test_a_lost_connection_is_said_and_made_again(page: Page, tmp_path: Path) -> None:
    """First the service hangs, then it ends and is started again on its port."""
    port = free_port()
    with running(tmp_path, "--rate", "0", "--port", str(port)) as first:
        page.origin = f"http://localhost:{port}"
        page.open("/")
        page.until_text("live", "header .dot.up")
        first.process.send_signal(signal.SIGSTOP)
        page.until_text("The data are of", "[role=status].stale")
        page.look("dashboard-stale")
        first.process.send_signal(signal.SIGCONT)
        page.until(lambda: not page.all(".stale"), "no word of it any more")
    page.until_text("Not connected", "[role=status].stale")
    with running(tmp_path, "--rate", "0", "--port", str(port)):
        page.until_text("live", "header .dot.up")
        page.until(lambda: not page.all(".stale"), "no word of it any more")
    page.forget_complaints()


def test_an_outage_of_the_database_is_shown(page: Page, tmp_path: Path) -> None:
    file, elsewhere = tmp_path / "data" / "aggregator.db", tmp_path / "elsewhere.db"
    with running(tmp_path, "--rate", "0", "--data", str(file.parent)) as own:
        page.origin = own.origin
        page.open("/")
        page.until(lambda: len(page.all(".rows .dot.up")) >= 2, "database and broker up")
        assert not page.all(".dot.down")
        file.rename(elsewhere)
        page.until_text("down", ".rows .dot.down")
        page.until_text("database", ".rows .reason")
        page.look("dashboard-outage")
        elsewhere.rename(file)
        page.until(lambda: not page.all(".dot.down"), "database up again")
        # before the service ends, which the console would report
        page.driver.get("about:blank")


def test_a_token_is_asked_for(page: Page) -> None:
    before_each_page(page, NEEDS_TOKEN)
    page.open("/")
    page.until_text("A token is needed", "h2")
    page.find("textarea").send_keys("bad")
    button(page, "Use it")
    page.until_text("not accepted", "[role=alert]")
    page.look("dashboard-token")
    page.find("textarea").clear()
    page.find("textarea").send_keys("good")
    button(page, "Use it")
    page.until_text("ccx.ocp.results", "main td")


def test_the_views_are_reached_by_keyboard(page: Page) -> None:
    page.show(PHONE)
    page.open("/")
    page.until_text("ccx.ocp.results", "main td")
    assert page.tab_to("a.skip").is_displayed()
    for view, heading in (("rest", "REST API"), ("organizations", "Organizations")):
        page.tab_to(f"nav a[href='#/{view}']")
        page.press(Keys.ENTER)
        page.until_text(heading, "h1")
        focused = page.driver.switch_to.active_element
        assert (focused.tag_name, focused.text) == ("h1", heading)
        page.driver.find_element(By.CSS_SELECTOR, "body").click()
    page.tab_to("main input[name=org]")
    page.press("2", Keys.ENTER)
    page.until_text("Organization 2", "h1")


def test_a_view_that_does_not_exist_says_so(page: Page) -> None:
    page.open("/#/nowhere")
    page.until_text("There is no such view", "main")
    page.open("/#/messages/ccx.ocp.results/0/123456")
    page.until_text("was not found", "[role=alert]")
    page.forget_complaints()
