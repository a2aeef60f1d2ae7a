"""Pictures of README: the dashboard with sample figures, so that they are the same each time.

`python -m tests.browser.screenshots` writes them to docs/images/.
"""

from __future__ import annotations

import json
import math
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.browser.chromium import Page, chromium, tab
from tests.dev_process import running

IMAGES = Path(__file__).parents[2] / "docs" / "images"
SIZE = (1280, 870)
NOW = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
STEP, STEPS = 5, 181
# the page's clock stands still, and its stream of events brings one document
STAGE = """
const RealDate = Date;
Date = class extends RealDate {
  constructor(...given) { given.length ? super(...given) : super(NOW); }
  static now() { return NOW; }
};
const realFetch = fetch;
window.fetch = (url, options) => String(url).endsWith("dashboard/events")
  ? Promise.resolve(new Response(new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode(EVENTS)),
    })))
  : realFetch(url, options);
"""
REASONS = (
    ("missing_attribute", "missing required attribute 'OrgID'"),
    ("cluster", "the cluster name 'aaaa' is not a UUID"),
    ("json", "invalid character 'x' looking for beginning of value"),
)


def iso(moment: datetime) -> str:
    """Return a time as the service writes it."""
    return moment.isoformat().replace("+00:00", "Z")


def status() -> dict[str, Any]:
    """Return a status document of a service that has run for two days."""
    messages = [
        round(STEP * (42 + 9 * math.sin(at / 9) + 5 * math.sin(at / 2.3) + 40 * (at == 61)))
        for at in range(STEPS)
    ]
    invalid = [int(at in (37, 61, 62, 140)) for at in range(STEPS)]
    until = int(NOW.timestamp())
    since = {"state": "up", "reason": "", "exact": True}
    topics = {"ccx.ocp.results": "aggregator", "ccx.dvo.results": "aggregator-dvo"}
    return {
        "now": iso(NOW),
        "started": iso(NOW - timedelta(days=2)),
        "ingest": {
            "enabled": True,
            "consumers": [
                {"topic": topic, "group": group, "state": "consuming", "reason": "", "since": None}
                for topic, group in topics.items()
            ],
            "series": {"step": STEP, "until": until, "messages": messages, "invalid": invalid},
            "totals": {"consumed": 7_268_112, "invalid": 31, "written": 6_901_344, "old": 366_737},
            "kinds": {"missing_attribute": 19, "cluster": 8, "json": 4},
            "lag": [
                {"topic": topic, "partition": partition, "lag": lag}
                for topic, partition, lag in (
                    ("ccx.ocp.results", 0, 12),
                    ("ccx.ocp.results", 1, 9),
                    ("ccx.dvo.results", 0, 3),
                )
            ],
            "lag_known": True,
            "batch": {"p50": 0.018, "p99": 0.061, "count": 213},
            "window": 60,
        },
        "dependencies": [
            {"name": "database", "since": iso(NOW - timedelta(hours=31)), **since},
            {"name": "broker", "since": iso(NOW - timedelta(days=2)), **since},
            {"name": "redis", "since": None, **since, "state": "off"},
            {"name": "tracker", "since": iso(NOW - timedelta(days=2)), **since},
        ],
        "workers": [
            {
                "number": number,
                "memory": memory * 1024.0**2,
                "cpu_seconds": seconds,
                "started": until - 2 * 86400,
            }
            for number, memory, seconds in ((0, 118, 5120.0), (1, 92, 1240.0))
        ],
        "rest": {
            "rate": 0.0,
            "endpoints": [],
            "window": 60,
            "series": {"step": STEP, "until": until, "requests": [0] * STEPS},
        },
    }


def invalid_messages() -> list[dict[str, Any]]:
    """Return the last invalid messages, newest first."""
    return [
        {
            "number": 31 - at,
            "at": iso(NOW - timedelta(minutes=3 + 4 * at)),
            "topic": "ccx.ocp.results",
            "partition": at % 2,
            "offset": 3_633_871 - 977 * at,
            "kind": kind,
            "reason": reason,
            "organization": None if kind != "cluster" else 11789772,
            "cluster": "5d5892d3-1f74-4ccf-91af-548dfc9767aa" if at == 0 else "",
            "request_id": "",
        }
        for at, (kind, reason) in enumerate(REASONS)
    ]


def stage(page: Page) -> None:
    """Let the next page of this tab show the sample figures."""
    events = "".join(
        f"event: {name}\ndata: {json.dumps(data)}\n\n"
        for name, data in (("invalid", invalid_messages()), ("status", status()))
    )
    script = STAGE.replace("NOW", str(int(NOW.timestamp() * 1000)))
    script = script.replace("EVENTS", json.dumps(events))
    page.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": script})


def main() -> int:
    """Write the pictures; return the exit status."""
    IMAGES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder), "--rate", "0") as dev,
        chromium() as browser,
        tab(browser, dev.origin) as page,
    ):
        stage(page)
        page.show(SIZE)
        for scheme, name in (("light", "dashboard.png"), ("dark", "dashboard-dark.png")):
            page.scheme(scheme)
            page.open("/")
            page.until_text("missing required attribute", "main td")
            page.until(lambda: page.all(".uplot canvas"), "the chart")
            page.driver.save_screenshot(str(IMAGES / name))
            print(f"wrote docs/images/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
