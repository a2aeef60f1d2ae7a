"""Rule hits, out of the reports that are stored."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from ....errors import MigrationError

_PAGE = sa.text("""
    SELECT org_id, cluster, report FROM report
    WHERE cluster > :last ORDER BY cluster LIMIT 100
""")
_INSERT = sa.text("""
    INSERT INTO rule_hit (org_id, cluster_id, rule_fqdn, error_key, template_data)
    VALUES (:org_id, :cluster_id, :rule_fqdn, :error_key, :template_data)
    ON CONFLICT DO NOTHING
""")
_SURROGATE = re.compile("[\ud800-\udfff]")


def up(conn: sa.Connection) -> None:
    conn.exec_driver_sql("""
        CREATE TABLE rule_hit (
            org_id        INTEGER NOT NULL,
            cluster_id    VARCHAR NOT NULL,
            rule_fqdn     VARCHAR NOT NULL,
            error_key     VARCHAR NOT NULL,
            template_data VARCHAR NOT NULL,
            PRIMARY KEY (cluster_id, org_id, rule_fqdn, error_key)
        )
    """)
    last = ""
    while rows := conn.execute(_PAGE, {"last": last}).all():
        hits = [hit for row in rows for hit in _hits(*row)]
        if hits:
            conn.execute(_INSERT, hits)
        last = rows[-1].cluster


def down(conn: sa.Connection) -> None:
    conn.exec_driver_sql("DROP TABLE rule_hit")


def _hits(org_id: int, cluster: str, report: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of one report."""
    try:
        for hit in json.loads(report).get("reports") or ():
            yield {
                "org_id": org_id,
                "cluster_id": cluster,
                "rule_fqdn": _clean(hit.get("component") or ""),
                "error_key": _clean(hit.get("key") or ""),
                "template_data": _clean(_template_data(hit.get("details"))),
            }
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise MigrationError(f"report of cluster {cluster} cannot be read: {error}") from error


def _template_data(details: object) -> str:
    """Return a text as it is, anything else as JSON."""
    if isinstance(details, str):
        return details
    return json.dumps(details, ensure_ascii=False, separators=(",", ":"))


def _clean(text: str) -> str:
    # a lone surrogate can be escaped in JSON, but not be stored
    return _SURROGATE.sub("\ufffd", text)
