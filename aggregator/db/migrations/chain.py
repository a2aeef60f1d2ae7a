"""The two chains of migrations, each with the names of its steps in order."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Protocol, cast

import sqlalchemy as sa


class Step(Protocol):
    """A module that leads from one version to the next, and back."""

    def up(self, conn: sa.Connection) -> None:
        """Lead from the version before to this one."""

    def down(self, conn: sa.Connection) -> None:
        """Lead from this version to the one before."""


@dataclass(frozen=True)
class Chain:
    """Migrations of one schema. The modules of the steps are imported when they are needed."""

    name: str
    schema: str
    lock: int
    sqlite_info_table: str
    steps: tuple[str, ...]
    has_extras: bool = False

    @property
    def latest(self) -> int:
        """Return the highest version."""
        return len(self.steps)

    def step(self, version: int) -> Step:
        """Return the step between the version before and this one."""
        name = f"{__package__}.{self.name}.{self.steps[version - 1]}"
        return cast(Step, importlib.import_module(name))

    def info_table(self, dialect: str) -> sa.Table:
        """Return the table that holds the version; SQLite has both chains in one schema."""
        in_sqlite = dialect == "sqlite"
        return sa.Table(
            self.sqlite_info_table if in_sqlite else "migration_info",
            sa.MetaData(),
            sa.Column("version", sa.Integer, nullable=False),
            schema=None if in_sqlite else self.schema,
        )


OCP = Chain(
    name="ocp",
    schema="public",
    lock=0x4F4350,
    sqlite_info_table="migration_info",
    has_extras=True,
    steps=(
        "m0001_create_report",
        "m0002_create_rule_content",
        "m0003_create_cluster_rule_user_feedback",
        "m0004_feedback_of_known_clusters_and_rules",
        "m0005_create_consumer_error",
        "m0006_error_keys_of_known_rules",
        "m0007_create_cluster_rule_toggle",
        "m0008_report_kafka_offset",
        "m0009_index_kafka_offset",
        "m0010_rule_error_key_tags",
        "m0011_drop_rule_content",
        "m0012_create_cluster_user_rule_disable_feedback",
        "m0013_create_rule_hit",
        "m0014_toggle_for_all_users",
        "m0015_error_keys",
        "m0016_create_recommendation",
        "m0017_create_rule_disable",
        "m0018_create_advisor_ratings",
        "m0019_recommendation_rule_id",
        "m0020_advisor_ratings_rule_id",
        "m0021_report_gathered_at",
        "m0022_delete_rules_without_suffix",
        "m0023_create_report_info",
        "m0024_rule_hit_created_at",
        "m0025_recommendation_impacted_since",
        "m0026_org_id_of_toggles_and_feedback",
        "m0027_delete_rows_of_no_organization",
        "m0028_rule_disable_for_organization",
        "m0029_drop_toggle_user_id",
        "m0030_drop_rule_disable_user_id",
        "m0031_advisor_ratings_of_organization",
        "m0032_delete_toggles_without_error_key",
    ),
)
DVO = Chain(
    name="dvo",
    schema="dvo",
    lock=0x44564F,
    sqlite_info_table="dvo_migration_info",
    steps=(
        "m0001_create_dvo_report",
        "m0002_index_dvo_report",
        "m0003_delete_old_reports",
        "m0004_rule_hits_count",
    ),
)
