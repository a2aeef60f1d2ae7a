"""The route table of the REST API: path, handler, handler arguments."""

from __future__ import annotations

from typing import Any

from ..model import Vote
from . import (
    about,
    acks,
    feedback,
    profile,
    ratings,
    toggles,
    votes,
    workloads,
)
from .base import ApiHandler
from .organizations import (
    ClustersHandler,
    DeleteClustersHandler,
    DeleteOrganizationsHandler,
    OrganizationsHandler,
)
from .recommendations import (
    ClusterRecommendationsHandler,
    ClustersDetailHandler,
    RecommendationsHandler,
)
from .reports import (
    ReportHandler,
    ReportInfoHandler,
    ReportsByBodyHandler,
    ReportsByPathHandler,
    RuleHandler,
)
from .router import Route

REPORT = "organizations/{org_id}/clusters/{cluster}/users/{user_id}"
HIT = "clusters/{cluster}/rules/{rule_id}/error_key/{error_key}"
HIT_OF_ORG = HIT + "/organizations/{org_id}"
VOTER = HIT_OF_ORG + "/users/{user_id}"
ACK = "rules/{rule_id}/error_key/{error_key}/organizations/{org_id}"
RULE_2020 = "clusters/{cluster}/rules/{rule_id}/users/{user_id}"
EVERY_KEY = {"every_key": True}

_Row = tuple[str, type[ApiHandler], dict[str, Any]]

# the Go service answers OPTIONS on these, and 405 on all others
WITH_OPTIONS: list[_Row] = [
    ("info", about.InfoHandler, {}),
    (REPORT + "/report", ReportHandler, {}),
    (REPORT + "/report/info", ReportInfoHandler, {}),
    (REPORT + "/rules/{rule_id}", RuleHandler, {}),
    ("recommendations/organizations/{org_id}/users/{user_id}/list", RecommendationsHandler, {}),
    (
        "clusters/organizations/{org_id}/users/{user_id}/recommendations",
        ClusterRecommendationsHandler,
        {},
    ),
    (VOTER + "/like", votes.VoteHandler, {"vote": Vote.LIKE}),
    (VOTER + "/dislike", votes.VoteHandler, {"vote": Vote.DISLIKE}),
    (VOTER + "/reset_vote", votes.VoteHandler, {"vote": Vote.NONE}),
    (HIT_OF_ORG + "/disable", toggles.ToggleHandler, {"disabled": True}),
    (HIT_OF_ORG + "/enable", toggles.ToggleHandler, {"disabled": False}),
    (
        "rules/organizations/{org_id}/disabled_for_clusters",
        toggles.DisabledRulesForClustersHandler,
        {},
    ),
    (ACK + "/disable", acks.DisableRuleHandler, {}),
    (ACK + "/enable", acks.EnableRuleHandler, {}),
    (ACK + "/update", acks.UpdateAckHandler, {}),
]

WITHOUT_OPTIONS: list[_Row] = [
    ("", about.MainHandler, {}),
    ("metrics", about.MetricsHandler, {}),
    ("openapi.json", about.OpenApiHandler, {}),
    ("organizations/{organization}/clusters", ClustersHandler, {}),
    ("organizations/{org_id}/clusters/{cluster_list}/reports", ReportsByPathHandler, {}),
    ("organizations/{org_id}/clusters/reports", ReportsByBodyHandler, {}),
    (
        "rules/{rule_selector}/organizations/{org_id}/users/{user_id}/clusters_detail",
        ClustersDetailHandler,
        {},
    ),
    (VOTER + "/disable_feedback", feedback.DisableFeedbackHandler, {}),
    ("rules/organizations/{org_id}/disabled", toggles.DisabledRulesHandler, {}),
    ("rules/users/{user_id}/disabled/feedback", feedback.UserReasonsHandler, {}),
    (
        "clusters/rules/{rule_id}/error_key/{error_key}/organizations/{org_id}/disabled",
        toggles.DisabledClustersHandler,
        {},
    ),
    (ACK + "/", acks.ReadAckHandler, {}),
    ("rules/organizations/{org_id}/disabled_system_wide", acks.AcksHandler, {}),
    ("rules/organizations/{org_id}/rating", ratings.RateHandler, {}),
    ("rules/{rule_selector}/organizations/{org_id}/rating", ratings.RatingHandler, {}),
    ("organization/{org_id}/workloads", workloads.WorkloadsHandler, {}),
    (
        "organization/{org_id}/namespace/{namespace}/cluster/{cluster}/workloads",
        workloads.NamespaceWorkloadsHandler,
        {},
    ),
]

# without an error key they apply to every key that hits (departure 25); OPTIONS as in 2020
OF_2020: list[_Row] = [
    (RULE_2020 + "/like", votes.VoteHandler, {"vote": Vote.LIKE} | EVERY_KEY),
    (RULE_2020 + "/dislike", votes.VoteHandler, {"vote": Vote.DISLIKE} | EVERY_KEY),
    (RULE_2020 + "/reset_vote", votes.VoteHandler, {"vote": Vote.NONE} | EVERY_KEY),
    (RULE_2020 + "/disable", toggles.ToggleHandler, {"disabled": True} | EVERY_KEY),
    (RULE_2020 + "/enable", toggles.ToggleHandler, {"disabled": False} | EVERY_KEY),
]

DEBUG: list[_Row] = [
    ("organizations", OrganizationsHandler, {}),
    ("organizations/{organizations}", DeleteOrganizationsHandler, {}),
    ("clusters/{clusters}", DeleteClustersHandler, {}),
    (HIT + "/users/{user_id}/get_vote", votes.GetVoteHandler, {}),
    (RULE_2020 + "/get_vote", votes.GetVoteHandler, EVERY_KEY),
]

HEALTH: list[_Row] = [
    ("livez", about.LiveHandler, {}),
    ("readyz", about.ReadyHandler, {}),
]


# diagnostics: outside the prefix and the OpenAPI document
DIAGNOSTICS: list[_Row] = [
    ("debug/pprof/", profile.ProfileIndexHandler, {}),
    ("debug/pprof/profile", profile.ProfileHandler, {}),
]


def diagnostics() -> list[Route]:
    """Return the debug routes that are outside the API."""
    return [Route(*row, prefixed=False) for row in DIAGNOSTICS]


def routes(*, debug: bool) -> list[Route]:
    """Return all routes of the API, with or without the debug endpoints."""
    plain = WITHOUT_OPTIONS + (DEBUG if debug else [])
    return (
        [Route(*row, options=True) for row in WITH_OPTIONS + OF_2020]
        + [Route(*row) for row in plain]
        + [Route(*row, prefixed=False) for row in HEALTH]
    )
