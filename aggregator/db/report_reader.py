"""Reads a report with the user's votes and toggles in one SELECT (contract rest-api 3.2)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ..model import (
    ErrorKey,
    Hit,
    ReadHit,
    RuleId,
    StoredReport,
    Vote,
)
from ..parts import Parts, in_slices
from . import tables as t

_ORG = sa.bindparam("org", type_=sa.Integer)
_ORG_TEXT = sa.bindparam("org_text", type_=sa.String)
_CLUSTER = sa.bindparam("cluster", type_=sa.String)
_USER = sa.bindparam("user", type_=sa.String)

_Row = Any


def _of_user(table: sa.Table) -> sa.ColumnElement[bool]:
    """Join the user's rows on the hit's rule, for any error key."""
    return sa.and_(
        table.c.cluster_id == _CLUSTER,
        table.c.user_id == _USER,
        table.c.rule_id == t.rule_hit.c.rule_fqdn,
    )


def _disabled() -> sa.ColumnElement[bool]:
    """Join the toggle of exactly this hit, if it is disabled."""
    hit, toggle = t.rule_hit, t.cluster_rule_toggle
    return sa.and_(
        toggle.c.cluster_id == _CLUSTER,
        toggle.c.rule_id == hit.c.rule_fqdn,
        toggle.c.error_key == hit.c.error_key,
        toggle.c.org_id == _ORG_TEXT,
        toggle.c.disabled == 1,
    )


def _select_report() -> sa.Select[Any]:
    """Select the report with its hits, each joined with the user's rows on its rule.

    A hit may occur in several rows, which `stored_report` folds.
    """
    hit, vote, reason = (
        t.rule_hit,
        t.cluster_rule_user_feedback,
        t.cluster_user_rule_disable_feedback,
    )
    of_cluster = sa.and_(hit.c.org_id == _ORG, hit.c.cluster_id == t.report.c.cluster)
    joined = (
        t.report.outerjoin(hit, of_cluster)
        .outerjoin(t.cluster_rule_toggle, _disabled())
        .outerjoin(vote, _of_user(vote))
        .outerjoin(reason, _of_user(reason))
    )
    columns = (
        *(t.report.c[name] for name in ("last_checked_at", "reported_at", "gathered_at")),
        *(hit.c[name] for name in ("rule_fqdn", "error_key", "template_data", "created_at")),
        t.cluster_rule_toggle.c.disabled,
        vote.c.user_vote,
        vote.c.error_key.label("vote_key"),
        vote.c.updated_at.label("vote_at"),
        reason.c.message.label("reason"),
        reason.c.error_key.label("reason_key"),
        reason.c.updated_at.label("reason_at"),
    )
    return (
        sa.select(*columns)
        .select_from(joined)
        .where(t.report.c.org_id == _ORG, t.report.c.cluster == _CLUSTER)
    )


READ_REPORT = _select_report()


async def stored_report(parts: Parts[_Row]) -> StoredReport | None:
    """Build the report from the rows of READ_REPORT, hits ascending by rule and key.

    Return None if there are no rows.
    """
    first: _Row | None = None
    by_hit: dict[tuple[str, str], list[_Row]] = {}
    async for rows in parts:
        first = first or rows[0]
        for row in rows:
            if row.rule_fqdn is not None:
                by_hit.setdefault((row.rule_fqdn, row.error_key), []).append(row)
    if first is None:
        return None
    hits: list[ReadHit] = []
    async for names in in_slices(sorted(by_hit)):
        hits += [_read_hit(by_hit[name], by_hit) for name in names]
    return StoredReport(first.last_checked_at, first.reported_at, first.gathered_at, tuple(hits))


def _read_hit(rows: list[_Row], hits: dict[tuple[str, str], list[_Row]]) -> ReadHit:
    """Fold the rows of a hit: prefer the user's row with the same key, else the newest one."""
    row = rows[0]
    vote = max(rows, key=lambda one: _weight(one.vote_key == one.error_key, one.vote_at))
    # disable feedback counts only if its own key is a hit, too
    reasons = [one for one in rows if (one.rule_fqdn, one.reason_key) in hits]
    text, at = "", None
    if reasons:
        reason = max(
            reasons, key=lambda one: _weight(one.reason_key == one.error_key, one.reason_at)
        )
        text, at = reason.reason or "", reason.reason_at
    hit = Hit(
        RuleId(row.rule_fqdn), ErrorKey(row.error_key), row.template_data or "", row.created_at
    )
    return ReadHit(hit, Vote(vote.user_vote or 0), row.disabled == 1, text, at)


def _weight(same_key: bool, at: datetime | None) -> tuple[bool, datetime]:
    return same_key, at or datetime.min
