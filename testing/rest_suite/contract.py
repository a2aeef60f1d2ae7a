"""Every operation of the API: method, path, what it answers, what it changes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from . import schemas
from .case import (
    CURRENT,
    DELETE,
    DEPARTURES,
    LEGACY,
    READ,
    REFERENCE_2020,
    REFERENCE_2026,
    WRITE,
)
from .schemas import Schema, done

DEFAULT_PREFIX = "/api/insights-results-aggregator/v1/"
JSON = "application/json; charset=utf-8"
PLAIN_JSON = "application/json"
METRICS_TEXT = "text/plain"
ANY = (REFERENCE_2020, REFERENCE_2026, DEPARTURES)

_NAME = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Operation:
    """A method on a path; `undo` names the operation that takes back what it wrote."""

    name: str
    group: str
    method: str
    path: str
    answer: Schema
    kind: int = READ
    options: bool = False
    debug: bool = False
    profiles: tuple[str, ...] = CURRENT
    undo: str = ""
    content: str = JSON

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the parameters, in the order of the path."""
        return tuple(_NAME.findall(self.path))

    def target(self, values: Mapping[str, object]) -> str:
        """Return the path after the prefix with these values, percent-encoded."""
        missing = [name for name in self.names if name not in values]
        if missing:
            raise TypeError(f"{self.name}: {', '.join(missing)} missing")
        return _NAME.sub(lambda found: quote(str(values[found[1]]), safe=""), self.path)


_REPORT = "organizations/{org_id}/clusters/{cluster}/users/{user_id}"
_HIT = "clusters/{cluster}/rules/{rule_id}/error_key/{error_key}"
_ORG_HIT = _HIT + "/organizations/{org_id}"
_VOTER = _ORG_HIT + "/users/{user_id}"
_ACK = "rules/{rule_id}/error_key/{error_key}/organizations/{org_id}"
_RULE_2020 = "clusters/{cluster}/rules/{rule_id}/users/{user_id}"
_DONE = done()
_JUSTIFIED = done(justification=schemas.TEXT)


def _read(name: str, group: str, path: str, answer: Schema, method: str = "GET") -> Operation:
    return Operation(name, group, method, path, answer)


def _options(name: str, group: str, path: str, answer: Schema, method: str = "GET") -> Operation:
    return Operation(name, group, method, path, answer, options=True)


def _put(name: str, group: str, path: str, undo: str = "", answer: Schema = _DONE) -> Operation:
    return Operation(name, group, "PUT", path, answer, WRITE, options=True, undo=undo)


def _then(name: str, group: str, undo: str) -> Operation:
    """Return a write of the service of 2020, which knew no error keys."""
    path = f"{_RULE_2020}/{name}"
    back = f"{undo}_2020" if undo else ""
    return Operation(
        f"{name}_2020", group, "PUT", path, _DONE, WRITE, profiles=LEGACY, options=True, undo=back
    )


_ABOUT = (
    Operation("main", "about", "GET", "", _DONE, profiles=ANY),
    _options("info", "about", "info", schemas.INFO),
    Operation("metrics", "about", "GET", "metrics", {}, profiles=ANY, content=METRICS_TEXT),
    Operation(
        "openapi", "about", "GET", "openapi.json", schemas.OPENAPI, profiles=ANY, content=PLAIN_JSON
    ),
)
_ORGANIZATIONS = (
    Operation(
        "organizations", "organizations", "GET", "organizations",
        done(organizations=schemas.distinct(schemas.ORGANIZATION)), debug=True, profiles=ANY,
    ),
    Operation(
        "clusters", "organizations", "GET", "organizations/{organization}/clusters",
        done(clusters=schemas.distinct(schemas.UUID)), profiles=ANY,
    ),
    Operation(
        "delete_organizations", "organizations", "DELETE", "organizations/{organizations}",
        _DONE, DELETE, debug=True, profiles=ANY,
    ),
    Operation(
        "delete_clusters", "organizations", "DELETE", "clusters/{clusters}",
        _DONE, DELETE, debug=True, profiles=ANY,
    ),
)  # fmt: skip
_REPORTS = (
    Operation(
        "report", "reports", "GET", _REPORT + "/report", schemas.REPORT, options=True, profiles=ANY
    ),
    _options("report_info", "reports", _REPORT + "/report/info", schemas.REPORT_INFO),
    _options("rule", "reports", _REPORT + "/rules/{rule_id}", schemas.RULE_OF_CLUSTER),
    _read("reports", "reports", "organizations/{org_id}/clusters/{cluster_list}/reports",
          schemas.REPORTS),
    _read("reports_by_body", "reports", "organizations/{org_id}/clusters/reports",
          schemas.REPORTS, "POST"),
)  # fmt: skip
_RECOMMENDATIONS = (
    _read("clusters_detail", "recommendations",
          "rules/{rule_selector}/organizations/{org_id}/users/{user_id}/clusters_detail",
          schemas.CLUSTERS_DETAIL),
    _options("recommendations", "recommendations",
             "recommendations/organizations/{org_id}/users/{user_id}/list",
             schemas.RECOMMENDATIONS, "POST"),
    _options("cluster_recommendations", "recommendations",
             "clusters/organizations/{org_id}/users/{user_id}/recommendations",
             schemas.CLUSTER_RECOMMENDATIONS, "POST"),
)  # fmt: skip
_VOTES = (
    _put("like", "votes", _VOTER + "/like", "reset_vote"),
    _put("dislike", "votes", _VOTER + "/dislike", "reset_vote"),
    _put("reset_vote", "votes", _VOTER + "/reset_vote"),
    Operation("get_vote", "votes", "GET", _HIT + "/users/{user_id}/get_vote",
              done(vote=schemas.VOTE), debug=True),
    _then("like", "votes", "reset_vote"),
    _then("dislike", "votes", "reset_vote"),
    _then("reset_vote", "votes", ""),
    Operation("get_vote_2020", "votes", "GET", _RULE_2020 + "/get_vote",
              done(vote=schemas.VOTE), debug=True, profiles=LEGACY),
)  # fmt: skip
_TOGGLES = (
    _put("disable", "toggles", _ORG_HIT + "/disable", "enable"),
    _put("enable", "toggles", _ORG_HIT + "/enable"),
    _then("disable", "toggles", "enable"),
    _then("enable", "toggles", ""),
    _read("disabled", "toggles", "rules/organizations/{org_id}/disabled", schemas.DISABLED),
    _options("disabled_for_clusters", "toggles",
             "rules/organizations/{org_id}/disabled_for_clusters", schemas.DISABLED, "POST"),
    _read("disabled_clusters", "toggles",
          "clusters/rules/{rule_id}/error_key/{error_key}/organizations/{org_id}/disabled",
          schemas.DISABLED_CLUSTERS),
)  # fmt: skip
_FEEDBACK = (
    Operation("disable_feedback", "feedback", "POST", _VOTER + "/disable_feedback",
              done(message=schemas.TEXT), WRITE),
    _read("reasons", "feedback", "rules/users/{user_id}/disabled/feedback", schemas.REASONS),
)  # fmt: skip
_ACKS = (
    _put("ack_disable", "acks", _ACK + "/disable", "ack_enable", _JUSTIFIED),
    _put("ack_enable", "acks", _ACK + "/enable",
         answer=schemas.record(status={"const": "rule enabled"})),
    Operation("ack_update", "acks", "POST", _ACK + "/update", _JUSTIFIED, WRITE, options=True),
    _read("ack", "acks", _ACK + "/", done(disabledRule=schemas.ACK)),
    _read("acks", "acks", "rules/organizations/{org_id}/disabled_system_wide",
          done(disabledRules=schemas.distinct(schemas.ACK))),
)  # fmt: skip
_RATINGS = (
    Operation("rate", "ratings", "POST", "rules/organizations/{org_id}/rating",
              done(ratings=schemas.RATING), WRITE),
    _read("rating", "ratings", "rules/{rule_selector}/organizations/{org_id}/rating",
          done(rating=schemas.RATING)),
)  # fmt: skip
_WORKLOADS = (
    _read("workloads", "workloads", "organization/{org_id}/workloads", schemas.WORKLOADS),
    _read("workloads_by_body", "workloads", "organization/{org_id}/workloads",
          schemas.WORKLOADS, "POST"),
    _read("namespace_workloads", "workloads",
          "organization/{org_id}/namespace/{namespace}/cluster/{cluster}/workloads",
          schemas.NAMESPACE_WORKLOADS),
)  # fmt: skip

_GROUPS = (
    _ABOUT,
    _ORGANIZATIONS,
    _REPORTS,
    _RECOMMENDATIONS,
    _VOTES,
    _TOGGLES,
    _FEEDBACK,
    _ACKS,
    _RATINGS,
    _WORKLOADS,
)
OPERATIONS = {operation.name: operation for group in _GROUPS for operation in group}
