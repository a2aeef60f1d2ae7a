"""An instance made of canned answers, and what a case needs to ask it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import responses

from testing.rest_suite.api import Api, Session
from testing.rest_suite.case import (
    DELETE,
    READ,
    REFERENCE_2026,
    WRITE,
)
from testing.rest_suite.client import Client, Connection
from testing.rest_suite.contract import DEFAULT_PREFIX, JSON
from testing.rest_suite.credentials import Credentials, Nobody
from testing.rest_suite.data import (
    Cluster,
    Hit,
    Inventory,
    Organization,
    Workload,
)
from testing.rest_suite.probe import InstanceInfo

URL = "http://instance.test"
API = URL + DEFAULT_PREFIX
CLUSTER = "25332b89-da0e-59d5-ad16-1eba16cd4adc"
OTHER = "b6d51e44-87ba-518b-bf22-fc4428fd31e1"
HIT = Hit(101, CLUSTER, "a.rule.report", "KEY")
INVENTORY = Inventory(
    (
        Organization(
            101,
            (Cluster(101, CLUSTER, (HIT,)), Cluster(101, OTHER)),
            (Workload(101, CLUSTER, "space"),),
        ),
    ),
    "canned",
)
VOTED = f"clusters/{CLUSTER}/rules/a.rule.report/error_key/KEY/organizations/101/users/ann/"
DONE = {"status": "ok"}
INFO = {
    "info": {
        "BuildBranch": "", "BuildCommit": "abc", "BuildTime": "", "BuildVersion": "1",
        "DVO_DB_version": "4", "OCP_DB_version": "32", "UtilsVersion": "",
    },
    "status": "ok",
}  # fmt: skip
REPORTED = {
    "component": "a.rule.report",
    "key": "KEY",
    "user_vote": 0,
    "disabled": False,
    "disable_feedback": "",
    "disabled_at": "",
    "details": {"any": ["thing"]},
    "impacted": "2026-01-10T08:00:00Z",
}
REPORT: dict[str, Any] = {
    "report": {
        "meta": {"cluster_name": "", "count": 1, "last_checked_at": "2026-03-01T10:00:00Z"},
        "reports": [REPORTED],
    },
    "status": "ok",
}


def answer(
    path: str,
    document: object,
    *,
    status: int = 200,
    method: str = "GET",
    kind: str = JSON,
    headers: dict[str, str] | None = None,
) -> None:
    """Let the instance answer a path (after the prefix, or a whole URL) with JSON or a text."""
    body = document if isinstance(document, str) else json.dumps(document)
    url = path if "://" in path else API + path
    responses.add(method, url, body=body, status=status, content_type=kind, headers=headers)


def session(
    *,
    allowed: Iterable[int] = (READ, WRITE, DELETE),
    credentials: Credentials | None = None,
    profile: str = REFERENCE_2026,
    debug: bool = True,
) -> Session:
    """Return a session with the instance of the canned answers."""
    instance = replace(InstanceInfo(), profile=profile, debug=debug)
    client = Client(Connection(URL))
    return Session(client, credentials or Nobody(), instance, frozenset(allowed))


def api(**changes: Any) -> Api:
    """Return the API as a case sees it."""
    return Api(session(**changes))


def sent() -> list[tuple[str, str]]:
    """Return method and path (after the prefix) of all requests so far."""
    return [
        (str(call.request.method), str(call.request.url).removeprefix(API))
        for call in responses.calls
        if isinstance(call, responses.Call)
    ]
