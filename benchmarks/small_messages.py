"""Messages of 2.5 kB with three hits that do not change from report to report."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

START = datetime(2026, 1, 1)
HITS, SKIPS, RULES = 3, 8, 40
INFO = "CLUSTER_VERSION_INFO"


def messages(seed: int, clusters: int, organizations: int) -> Iterator[bytes]:
    """Yield messages without end, one cluster after the other, each round a second newer."""
    chance = random.Random(seed)
    names = [str(uuid.UUID(int=chance.getrandbits(128), version=4)) for _ in range(clusters)]
    moment = START
    while True:
        for number, name in enumerate(names):
            at = moment.isoformat() + "Z"
            envelope = {
                "OrgID": 1000 + number % organizations,
                "AccountNumber": 42,
                "ClusterName": name,
                "LastChecked": at,
                "Version": 2,
                "RequestId": f"{chance.getrandbits(128):032x}",
                "Metadata": {"gathering_time": at},
            }
            yield json.dumps({**envelope, "Report": _report(number, at)}).encode()
            moment += timedelta(seconds=1)


def _report(number: int, at: str) -> dict[str, Any]:
    version = {"version": f"4.15.{number % 20}", "type": "info", "info_key": INFO}
    info = {
        "info_id": f"version_info|{INFO}",
        "component": "ccx_rules_ocp.info.version_info.report",
        "type": "info",
        "key": INFO,
        "details": version,
        "tags": [],
        "links": {},
    }
    return {
        "system": {"metadata": {}, "hostname": None},
        "reports": [_hit((number + more) % RULES, number) for more in range(HITS)],
        "fingerprints": [],
        "skips": [_skip(rule) for rule in range(SKIPS)],
        "pass": [],
        "info": [info],
        "analysis_metadata": {"start": at, "finish": at},
    }


def _hit(rule: int, number: int) -> dict[str, Any]:
    key = f"KEY_{rule}"
    node = {"name": f"node-{number % 7}", "memory": 16}
    return {
        "rule_id": f"rule_{rule}|{key}",
        "component": f"ccx_rules_ocp.external.rules.rule_{rule}.report",
        "type": "rule",
        "key": key,
        "details": {"type": "rule", "error_key": key, "nodes": [node]},
        "tags": [],
        "links": {},
    }


def _skip(rule: int) -> dict[str, str]:
    return {
        "rule_fqdn": f"ccx_rules_ocp.external.rules.skip_{rule}",
        "reason": "MISSING_REQUIREMENTS",
        "details": "All: ['x'] Any: ",
        "type": "skip",
    }
