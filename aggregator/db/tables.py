"""SQLAlchemy tables of the latest schema (OCP version 32, DVO version 4)."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

metadata = sa.MetaData()


class UtcNow(FunctionElement[Any]):
    """The transaction's time in naive UTC, as a column default."""

    type = sa.DateTime()
    inherit_cache = True


@compiles(UtcNow, "postgresql")
def _utc_now_in_postgresql(*_args: object, **_options: object) -> str:
    return "(now() AT TIME ZONE 'utc')"


@compiles(UtcNow, "sqlite")
def _utc_now_in_sqlite(*_args: object, **_options: object) -> str:
    # SQLAlchemy's text form of times, so that they compare as text
    return "(strftime('%Y-%m-%d %H:%M:%f000', 'now'))"


# the Go service's VARCHAR has no length
_TEXT = sa.String()
_TIME = sa.DateTime()

report = sa.Table(
    "report",
    metadata,
    sa.Column("org_id", sa.Integer, nullable=False),
    sa.Column("cluster", _TEXT, nullable=False),
    sa.Column("report", _TEXT, nullable=False),
    sa.Column("reported_at", _TIME),
    sa.Column("last_checked_at", _TIME),
    sa.Column("kafka_offset", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    sa.Column("gathered_at", _TIME),
    sa.PrimaryKeyConstraint("org_id", "cluster", name="report_pkey"),
    sa.UniqueConstraint("cluster", name="report_cluster_key"),
    sa.Index("report_kafka_offset_btree_idx", "kafka_offset"),
    sa.Index(
        "report_org_id_reported_at_idx", "org_id", "reported_at", postgresql_include=["cluster"]
    ).ddl_if(dialect="postgresql"),
)

rule_hit = sa.Table(
    "rule_hit",
    metadata,
    sa.Column("org_id", sa.Integer, nullable=False),
    sa.Column("cluster_id", _TEXT, nullable=False),
    sa.Column("rule_fqdn", _TEXT, nullable=False),
    sa.Column("error_key", _TEXT, nullable=False),
    sa.Column("template_data", _TEXT, nullable=False),
    sa.Column("created_at", _TIME),
    sa.PrimaryKeyConstraint("cluster_id", "org_id", "rule_fqdn", "error_key", name="rule_hit_pkey"),
)

recommendation = sa.Table(
    "recommendation",
    metadata,
    sa.Column("org_id", sa.Integer, nullable=False),
    sa.Column("cluster_id", _TEXT, nullable=False),
    sa.Column("rule_fqdn", sa.Text, nullable=False),
    sa.Column("error_key", _TEXT, nullable=False),
    sa.Column("rule_id", _TEXT, nullable=False, server_default="."),
    sa.Column("created_at", _TIME, server_default=UtcNow()),
    sa.Column("impacted_since", _TIME),
    sa.PrimaryKeyConstraint(
        "org_id", "cluster_id", "rule_fqdn", "error_key", name="recommendation_pk"
    ),
    sa.Index("recommendation_cluster_id_idx", "cluster_id"),
    sa.Index("recommendation_org_id_rule_id_idx", "org_id", "rule_id"),
)

report_info = sa.Table(
    "report_info",
    metadata,
    sa.Column("org_id", sa.Integer, nullable=False),
    sa.Column("cluster_id", _TEXT, nullable=False),
    sa.Column("version_info", _TEXT, nullable=False),
    sa.PrimaryKeyConstraint("org_id", "cluster_id", name="report_info_pkey"),
    sa.UniqueConstraint("cluster_id", name="report_info_cluster_id_key"),
)

consumer_error = sa.Table(
    "consumer_error",
    metadata,
    sa.Column("topic", _TEXT, nullable=False),
    sa.Column("partition", sa.Integer, nullable=False),
    # BIGINT, since the Go service's INTEGER overflows: Kafka offsets have 64 bits
    sa.Column("topic_offset", sa.BigInteger, nullable=False),
    sa.Column("key", _TEXT),
    sa.Column("produced_at", _TIME, nullable=False),
    sa.Column("consumed_at", _TIME, nullable=False),
    sa.Column("message", _TEXT),
    sa.Column("error", _TEXT, nullable=False),
    sa.PrimaryKeyConstraint("topic", "partition", "topic_offset", name="consumer_error_pkey"),
    sa.Index("consumer_error_consumed_at_idx", "consumed_at"),
)

cluster_rule_toggle = sa.Table(
    "cluster_rule_toggle",
    metadata,
    sa.Column("cluster_id", _TEXT, nullable=False),
    sa.Column("rule_id", _TEXT, nullable=False),
    sa.Column("disabled", sa.SmallInteger, nullable=False),
    sa.Column("disabled_at", _TIME),
    sa.Column("enabled_at", _TIME),
    sa.Column("updated_at", _TIME, nullable=False),
    # left by migration 7; nothing reads or writes it
    sa.Column("disabled_check", sa.SmallInteger),
    sa.Column("error_key", _TEXT, nullable=False, server_default=""),
    sa.Column("org_id", _TEXT, nullable=False, server_default="0"),
    sa.PrimaryKeyConstraint("cluster_id", "rule_id", "error_key", name="cluster_rule_toggle_pkey"),
    sa.CheckConstraint(
        "disabled >= 0 AND disabled <= 1", name="cluster_rule_toggle_disabled_check"
    ),
    sa.Index("cluster_rule_toggle_org_id_disabled_idx", "org_id", "disabled"),
)

cluster_rule_user_feedback = sa.Table(
    "cluster_rule_user_feedback",
    metadata,
    sa.Column("cluster_id", _TEXT, nullable=False),
    sa.Column("rule_id", _TEXT, nullable=False),
    sa.Column("user_id", _TEXT, nullable=False),
    sa.Column("message", _TEXT, nullable=False),
    sa.Column("user_vote", sa.SmallInteger, nullable=False),
    sa.Column("added_at", _TIME, nullable=False),
    sa.Column("updated_at", _TIME, nullable=False),
    sa.Column("error_key", _TEXT, nullable=False, server_default=""),
    sa.Column("org_id", _TEXT, nullable=False, server_default="0"),
    sa.PrimaryKeyConstraint(
        "cluster_id", "rule_id", "user_id", "error_key", name="cluster_rule_user_feedback_pkey"
    ),
    sa.ForeignKeyConstraint(
        ["cluster_id"],
        ["report.cluster"],
        name="cluster_rule_user_feedback_cluster_id_fkey",
        ondelete="CASCADE",
    ),
)

cluster_user_rule_disable_feedback = sa.Table(
    "cluster_user_rule_disable_feedback",
    metadata,
    sa.Column("cluster_id", _TEXT, nullable=False),
    sa.Column("user_id", _TEXT, nullable=False),
    sa.Column("rule_id", _TEXT, nullable=False),
    sa.Column("message", _TEXT, nullable=False),
    sa.Column("added_at", _TIME, nullable=False),
    sa.Column("updated_at", _TIME, nullable=False),
    sa.Column("error_key", _TEXT, nullable=False, server_default=""),
    sa.Column("org_id", _TEXT, nullable=False, server_default="0"),
    sa.PrimaryKeyConstraint(
        "cluster_id",
        "user_id",
        "rule_id",
        "error_key",
        name="cluster_user_rule_disable_feedback_pkey",
    ),
    sa.Index("cluster_user_rule_disable_feedback_user_id_idx", "user_id"),
)

rule_disable = sa.Table(
    "rule_disable",
    metadata,
    sa.Column("org_id", _TEXT, nullable=False),
    sa.Column("rule_id", _TEXT, nullable=False),
    sa.Column("error_key", _TEXT, nullable=False),
    sa.Column("justification", _TEXT),
    sa.Column("created_at", _TIME, nullable=False),
    sa.Column("updated_at", _TIME),
    sa.PrimaryKeyConstraint("org_id", "rule_id", "error_key", name="rule_disable_pkey"),
)

advisor_ratings = sa.Table(
    "advisor_ratings",
    metadata,
    sa.Column("org_id", _TEXT, nullable=False),
    sa.Column("rule_fqdn", _TEXT, nullable=False),
    sa.Column("error_key", _TEXT, nullable=False),
    sa.Column("rated_at", _TIME),
    sa.Column("last_updated_at", _TIME),
    sa.Column("rating", sa.SmallInteger),
    sa.Column("rule_id", _TEXT, nullable=False, server_default="."),
    sa.PrimaryKeyConstraint("org_id", "rule_fqdn", "error_key", name="advisor_ratings_pkey"),
)

# SQLite has no schemas: schema_translate_map drops "dvo", and one file holds both chains
dvo_report = sa.Table(
    "dvo_report",
    metadata,
    sa.Column("org_id", sa.Integer, nullable=False),
    sa.Column("cluster_id", _TEXT, nullable=False),
    sa.Column("namespace_id", _TEXT, nullable=False),
    sa.Column("namespace_name", _TEXT),
    sa.Column("report", sa.Text),
    sa.Column("recommendations", sa.Integer, nullable=False),
    sa.Column("objects", sa.Integer, nullable=False),
    sa.Column("reported_at", _TIME),
    sa.Column("last_checked_at", _TIME),
    sa.Column(
        "rule_hits_count",
        sa.JSON().with_variant(JSONB(), "postgresql"),
        server_default=sa.text("'{}'"),
    ),
    sa.PrimaryKeyConstraint("org_id", "cluster_id", "namespace_id", name="dvo_report_pkey"),
    sa.Index("report_org_id_idx", "org_id", postgresql_using="hash"),
    sa.Index("report_org_id_cluster_id_idx", "org_id", "cluster_id"),
    schema="dvo",
)
