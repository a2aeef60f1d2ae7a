"""Toggles, feedback and reasons are for an error key of a rule."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from ..rebuild import rebuild

_PREFIX = "ccx_rules_ocp.external."
# the error key of each rule that had only one
_ERROR_KEYS = {
    "bug_rules.bug_1765280": "BUGZILLA_BUG_1765280",
    "bug_rules.bug_1766907": "BUGZILLA_BUG_1766907",
    "bug_rules.bug_1798049": "BUGZILLA_BUG_1798049",
    "bug_rules.bug_1821905": "BUGZILLA_BUG_1821905",
    "bug_rules.bug_1832986": "BUGZILLA_BUG_1832986",
    "bug_rules.bug_1893386": "BUGZILLA_BUG_1893386",
    "rules.ccxdev_auxiliary_rule": "CCXDEV_E2E_TEST_RULE",
    "rules.check_sap_sdi_observer_pods": "SAP_SDI_OBSERVER_POD_ERROR",
    "rules.check_sdi_preload_kernel_modules": "SDI_PRELOAD_KERNEL_MODULES_ERROR",
    "rules.cluster_wide_proxy_auth_check": "AUTH_OPERATOR_PROXY_ERROR",
    "rules.cmo_container_run_as_non_root": "CMO_CONTAINER_RUN_AS_NON_ROOT",
    "rules.container_max_root_partition_size": "CONTAINER_ROOT_PARTITION_SIZE",
    "rules.control_plane_replicas": "CONTROL_PLANE_NODE_REPLICAS",
    "rules.empty_prometheus_db_volume": "PROMETHEUS_DB_VOLUME_IS_EMPTY",
    "rules.image_registry_multiple_storage_types": "IMAGE_REGISTRY_MULTIPLE_STORAGE_TYPES",
    "rules.lib_bucket_provisioner_check": "LIB_BUCKET_PROVISIONER_INSTALL_PLANS_ISSUE",
    "rules.machineconfig_stuck_by_node_taints": "NODE_HAS_TAINTS_APPLIED",
    "rules.master_defined_as_machinesets": "MASTER_DEFINED_AS_MACHINESETS",
    "rules.node_installer_degraded": "NODE_INSTALLER_DEGRADED",
    "rules.nodes_container_runtime_version_check": "NODES_CONTAINER_RUNTIME_VERSION",
    "rules.nodes_kubelet_version_check": "NODE_KUBELET_VERSION",
    "rules.nodes_requirements_check": "NODES_MINIMUM_REQUIREMENTS_NOT_MET",
    "rules.openshift_sdn_egress_ip_in_no_hostsubnet": "OPENSHIFT_SDN_EGRESS_IP_IN_NO_HOSTSUBNET",
    "rules.operator_unmanaged": "OPERATOR_UNMANAGED",
    "rules.prometheus_backed_by_pvc": "PROMETHEUS_BACKED_BY_PVC",
    "rules.prometheus_rule_evaluation_fail": "PROMETHEUS_RULE_EVALUATION_FAIL",
    "rules.same_egress_ip_in_multiple_netnamespaces": "SAME_EGRESS_IP_IN_MULTIPLE_NETNAMESPACES",
    "rules.samples_op_failed_image_import_check": "SAMPLES_FAILED_IMAGE_IMPORT_ERR",
    "rules.sap_data_intelligence_permissions": "SAP_DATA_INTELLIGENCE_PERMISSIONS",
    "rules.subnets_migration_failure_massive_egressip": (
        "SUBNETS_MIGRATION_FAILURE_MASSIVE_EGRESSIP"
    ),
    "rules.tls_handshake_fails_in_azure": "TLS_HANDSHAKE_FAILS_IN_AZURE",
    "rules.unsupported_cni_plugin": "UNSUPPORTED_CNI_PLUGIN",
    "rules.vsphere_upi_machine_is_in_phase": "VSPHERE_UPI_MACHINE_WITH_NO_RUNNING_PHASE",
    "security.CVE_2020_8555_kubernetes": "CVE_2020_8555_KUBERNETES",
    "security.CVE_2021_30465_runc": "CVE_2021_30465_RUNC_VULN",
}


class _Keyed(NamedTuple):
    """A table that gets the error key, as it was before."""

    name: str
    columns: dict[str, str]
    key: str
    old_key_name: str
    constraints: str = ""


_TOGGLE = _Keyed(
    "cluster_rule_toggle",
    {
        "cluster_id": "VARCHAR NOT NULL",
        "rule_id": "VARCHAR NOT NULL",
        "user_id": "VARCHAR",
        "disabled": "SMALLINT NOT NULL",
        "disabled_at": "TIMESTAMP",
        "enabled_at": "TIMESTAMP",
        "updated_at": "TIMESTAMP NOT NULL",
        "disabled_check": "SMALLINT",
    },
    key="cluster_id, rule_id",
    old_key_name="cluster_rule_toggle_pkey",
    constraints="""
    CONSTRAINT cluster_rule_toggle_disabled_check CHECK (disabled >= 0 AND disabled <= 1),
    """,
)
_FEEDBACK = _Keyed(
    "cluster_rule_user_feedback",
    {
        "cluster_id": "VARCHAR NOT NULL",
        "rule_id": "VARCHAR NOT NULL",
        "user_id": "VARCHAR NOT NULL",
        "message": "VARCHAR NOT NULL",
        "user_vote": "SMALLINT NOT NULL",
        "added_at": "TIMESTAMP NOT NULL",
        "updated_at": "TIMESTAMP NOT NULL",
    },
    key="cluster_id, rule_id, user_id",
    # the table was rebuilt by step 4
    old_key_name="cluster_rule_user_feedback_pkey1",
    constraints="FOREIGN KEY (cluster_id) REFERENCES report(cluster) ON DELETE CASCADE,",
)
_REASON = _Keyed(
    "cluster_user_rule_disable_feedback",
    {
        "cluster_id": "VARCHAR NOT NULL",
        "user_id": "VARCHAR NOT NULL",
        "rule_id": "VARCHAR NOT NULL",
        "message": "VARCHAR NOT NULL",
        "added_at": "TIMESTAMP NOT NULL",
        "updated_at": "TIMESTAMP NOT NULL",
    },
    key="cluster_id, user_id, rule_id",
    old_key_name="cluster_user_rule_disable_feedback_pkey",
)
_TABLES = (_TOGGLE, _FEEDBACK, _REASON)


def up(conn: sa.Connection) -> None:
    for table in _TABLES:
        _add_error_key(conn, table)
        for rule, error_key in _ERROR_KEYS.items():
            _set_error_key(conn, table.name, _PREFIX + rule, error_key)


def down(conn: sa.Connection) -> None:
    for table in _TABLES:
        if conn.dialect.name == "sqlite":
            rebuild(
                conn, table.name, _definition(table, table.columns, table.key), [*table.columns]
            )
        else:
            conn.exec_driver_sql(f"""
                ALTER TABLE {table.name}
                DROP CONSTRAINT {table.name}_pkey,
                ADD CONSTRAINT {table.old_key_name} PRIMARY KEY ({table.key}),
                DROP COLUMN error_key
            """)


def _add_error_key(conn: sa.Connection, table: _Keyed) -> None:
    """Add the column to the table and to its primary key."""
    key = f"{table.key}, error_key"
    if conn.dialect.name == "sqlite":
        columns = {**table.columns, "error_key": "VARCHAR NOT NULL DEFAULT ''"}
        rebuild(conn, table.name, _definition(table, columns, key), [*table.columns])
    else:
        conn.exec_driver_sql(f"""
            ALTER TABLE {table.name}
            ADD COLUMN error_key VARCHAR NOT NULL DEFAULT '',
            DROP CONSTRAINT {table.old_key_name},
            ADD CONSTRAINT {table.name}_pkey PRIMARY KEY ({key})
        """)


def _definition(table: _Keyed, columns: dict[str, str], key: str) -> str:
    """Return what stands between the parentheses of CREATE TABLE."""
    spelled = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    return f"{spelled}, {table.constraints} PRIMARY KEY ({key})"


def _set_error_key(conn: sa.Connection, table: str, rule: str, error_key: str) -> None:
    """Set the error key of all rows of the rule, whatever the rule's name ends in."""
    target = sa.table(table, sa.column("rule_id"), sa.column("error_key"))
    of_rule = target.c.rule_id.like(f"{rule}%")
    conn.execute(sa.update(target).where(of_rule).values(error_key=error_key))
