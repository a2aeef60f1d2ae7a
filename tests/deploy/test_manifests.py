"""Templates, Kubernetes objects and the compose file against the options and the Go service."""

from __future__ import annotations

from pathlib import Path

import pytest

from aggregator.config.loading import ALIASES, RETIRED, load
from aggregator.db import storage
from aggregator.metrics import Metrics

from . import manifests
from .manifests import DEPLOY, PREFIX, TEMPLATES, Document

EVERYWHERE = {name: (container, env) for name, container, env in manifests.everywhere()}
# parameters that operators set on the Go service's templates
PARAMETERS = {
    "clowdapp.yaml": """
        IMAGE IMAGE_TAG ENV_NAME MIN_REPLICAS MAX_REPLICAS LOG_LEVEL DEBUG AUTH IRA_API_PREFIX
        IRDW_API_PREFIX KAFKA_BOOTSTRAP_HOST KAFKA_BOOTSTRAP_PORT KAFKA_TIMEOUT INCOMING_TOPIC
        DEAD_LETTER_QUEUE_TOPIC PAYLOAD_TRACKER_TOPIC DB_WRITER_SERVICE_NAME GROUP_ID
        DB_WRITER_REPLICAS CLOUDWATCH_ENABLED CLOUDWATCH_DEBUG SENTRY_ENABLED PG_PARAMS
        INSIGHTS_REDIS_DATABASE INSIGHTS_REDIS_TIMEOUT_SECONDS IRA_CPU_REQUEST IRA_CPU_LIMIT
        IRA_MEMORY_REQUEST IRA_MEMORY_LIMIT DB_WRITER_CPU_REQUEST DB_WRITER_CPU_LIMIT
        DB_WRITER_MEMORY_REQUEST DB_WRITER_MEMORY_LIMIT
    """,
    "dvo-writer.yaml": """
        IMAGE IMAGE_TAG ENV_NAME MIN_REPLICAS MAX_REPLICAS LOG_LEVEL DVO_WRITER_API_PREFIX
        KAFKA_BOOTSTRAP_HOST KAFKA_BOOTSTRAP_PORT KAFKA_TIMEOUT INCOMING_TOPIC
        DEAD_LETTER_QUEUE_TOPIC PAYLOAD_TRACKER_TOPIC DVO_WRITER_SERVICE_NAME GROUP_ID
        CLOUDWATCH_ENABLED CLOUDWATCH_DEBUG SENTRY_ENABLED PG_PARAMS DVO_WRITER_CPU_REQUEST
        DVO_WRITER_CPU_LIMIT DVO_WRITER_MEMORY_REQUEST DVO_WRITER_MEMORY_LIMIT
    """,
    "valkey-writer.yaml": """
        IMAGE IMAGE_TAG ENV_NAME VALKEY_WRITER_REPLICAS LOG_LEVEL DEBUG AUTH CW_API_PREFIX
        KAFKA_BOOTSTRAP_HOST KAFKA_BOOTSTRAP_PORT KAFKA_TIMEOUT INCOMING_TOPIC
        PAYLOAD_TRACKER_TOPIC VALKEY_WRITER_SERVICE_NAME VALKEY_GROUP_ID REDIS_DATABASE
        REDIS_TIMEOUT_SECONDS CLOUDWATCH_ENABLED CLOUDWATCH_DEBUG SENTRY_ENABLED
        CACHE_WRITER_CPU_REQUEST CACHE_WRITER_CPU_LIMIT CACHE_WRITER_MEMORY_REQUEST
        CACHE_WRITER_MEMORY_LIMIT
    """,
}
# variables that the Go service's templates set, by the role that has them
VARIABLES = {
    "openshift/ccx-insights-results/aggregator": """
        BROKER__ENABLED CONTENT__PATH SERVER__ADDRESS SERVER__API_PREFIX SERVER__API_SPEC_FILE
        SERVER__DEBUG SERVER__AUTH SERVER__AUTH_TYPE SERVER__MAXIMUM_FEEDBACK_MESSAGE_LENGTH
        SERVER__ORG_OVERVIEW_LIMIT_HOURS METRICS__ENABLED REDIS__DATABASE REDIS__TIMEOUT_SECONDS
        OCP_RECOMMENDATIONS_STORAGE__DB_DRIVER OCP_RECOMMENDATIONS_STORAGE__PG_PARAMS
        OCP_RECOMMENDATIONS_STORAGE__TYPE OCP_RECOMMENDATIONS_STORAGE__LOG_SQL_QUERIES
        DVO_RECOMMENDATIONS_STORAGE__DB_DRIVER DVO_RECOMMENDATIONS_STORAGE__PG_PARAMS
        DVO_RECOMMENDATIONS_STORAGE__TYPE DVO_RECOMMENDATIONS_STORAGE__LOG_SQL_QUERIES
        LOGGING__LOG_LEVEL LOGGING__LOGGING_TO_CLOUD_WATCH_ENABLED
        LOGGING__LOGGING_TO_SENTRY_ENABLED CLOUDWATCH__DEBUG CLOUDWATCH__AWS_REGION
        CLOUDWATCH__LOG_GROUP CLOUDWATCH__AWS_ACCESS_ID CLOUDWATCH__AWS_SECRET_KEY SENTRY__DSN
        SENTRY__ENVIRONMENT
    """,
    "openshift/ccx-insights-results/db-writer": """
        STORAGE_BACKEND__USE BROKER__ADDRESSES BROKER__TIMEOUT BROKER__TOPIC
        BROKER__DEAD_LETTER_QUEUE_TOPIC BROKER__PAYLOAD_TRACKER_TOPIC BROKER__SERVICE_NAME
        BROKER__GROUP BROKER__ENABLED BROKER__ENABLE_ORG_WHITELIST
        BROKER__DISPLAY_MESSAGE_WITH_WRONG_STRUCTURE PROCESSING__ORG_WHITELIST_FILE
        SERVER__ADDRESS SERVER__API_PREFIX SERVER__API_SPEC_FILE SERVER__DEBUG SERVER__AUTH
        SERVER__AUTH_TYPE OCP_RECOMMENDATIONS_STORAGE__DB_DRIVER
        OCP_RECOMMENDATIONS_STORAGE__PG_PARAMS OCP_RECOMMENDATIONS_STORAGE__TYPE
        LOGGING__LOG_LEVEL SENTRY__DSN CLOUDWATCH__LOG_GROUP
    """,
    "openshift/dvo-writer/instance": """
        STORAGE_BACKEND__USE BROKER__ADDRESSES BROKER__TOPIC BROKER__GROUP
        BROKER__DEAD_LETTER_QUEUE_TOPIC DVO_RECOMMENDATIONS_STORAGE__DB_DRIVER
        DVO_RECOMMENDATIONS_STORAGE__PG_PARAMS DVO_RECOMMENDATIONS_STORAGE__TYPE SENTRY__DSN
    """,
    "openshift/valkey-writer/db-writer": """
        STORAGE_BACKEND__USE BROKER__ADDRESSES BROKER__TOPIC BROKER__GROUP
        OCP_RECOMMENDATIONS_STORAGE__TYPE REDIS__DATABASE REDIS__TIMEOUT_SECONDS
    """,
}


@pytest.mark.parametrize("name", EVERYWHERE)
def test_the_variables_of_a_container_are_known_options_with_valid_values(
    name: str, tmp_path: Path
) -> None:
    environ = EVERYWHERE[name][1]
    ours = {key for key in environ if key.startswith(PREFIX)}
    assert ours == set(environ)
    config = load(environ, tmp_path)
    assert not config.warnings
    assert not config.retired


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_declares_the_parameters_that_it_uses(path: Path) -> None:
    template = manifests.template(path)
    declared = manifests.parameters(template)
    assert manifests.used(template["objects"]) == set(declared)
    assert len(declared) == len(template["parameters"])


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_parameters_of_the_go_service_are_kept(name: str) -> None:
    declared = manifests.parameters(manifests.template(DEPLOY / "openshift" / name))
    assert set(PARAMETERS[name].split()) <= set(declared)


@pytest.mark.parametrize("name", VARIABLES)
def test_the_options_that_the_go_service_sets_are_set(name: str) -> None:
    expected = set()
    for variable in VARIABLES[name].lower().split():
        option = variable.replace("__", ".")
        section = option.partition(".")[0]
        if option not in RETIRED and section not in RETIRED:
            expected.add(f"{section}.{ALIASES[option]}" if option in ALIASES else option)
    found = {key.removeprefix(PREFIX).lower().replace("__", ".") for key in EVERYWHERE[name][1]}
    assert expected <= found


def test_writers_have_one_storage_and_the_migration_that_of_its_writer(tmp_path: Path) -> None:
    def storages(name: str) -> tuple[str, str]:
        config = load(EVERYWHERE[name][1], tmp_path)
        return config.ocp_recommendations_storage.type, config.dvo_recommendations_storage.type

    assert storages("openshift/ccx-insights-results/aggregator") == ("sql", "sql")
    for suffix in ("", "/execute-migrations"):
        assert storages(f"openshift/ccx-insights-results/db-writer{suffix}") == ("sql", "")
        assert storages(f"openshift/dvo-writer/instance{suffix}") == ("", "sql")
    assert storages("openshift/valkey-writer/db-writer") == ("redis", "")
    assert storages("kubernetes/valkey-writer-db-writer/valkey-writer") == ("redis", "")
    assert storages("kubernetes/dvo-writer-instance/dvo-writer") == ("", "sql")


def serving() -> list[tuple[str, Document]]:
    """Return the containers that serve, and whose probes therefore count."""
    return [
        (name, container)
        for name, (container, env) in EVERYWHERE.items()
        if PREFIX + "SERVER__ADDRESS" in env and not name.startswith("compose")
    ]


@pytest.mark.parametrize(("name", "container"), serving(), ids=lambda one: str(one)[:50])
def test_probes_see_the_process_and_what_it_depends_on(name: str, container: Document) -> None:
    paths = {probe: container[f"{probe}Probe"]["httpGet"]["path"] for probe in PROBES}
    assert paths == PROBES
    port = container["readinessProbe"]["httpGet"]["port"]
    if port == "web":
        (named,) = container["ports"]
        port = named["containerPort"]
    assert EVERYWHERE[name][1][PREFIX + "SERVER__ADDRESS"] == f":{port}"


PROBES = {"startup": "/livez", "liveness": "/livez", "readiness": "/readyz"}


def test_containers_run_without_privileges_on_a_read_only_file_system() -> None:
    found = 0
    for _, pod, container in manifests.containers(manifests.base()):
        found += 1
        assert pod["securityContext"]["runAsNonRoot"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
    assert found == 6
    for service in manifests.compose()["services"].values():
        if service["image"].startswith("insights-results-aggregator"):
            assert (service["read_only"], service["user"]) == (True, "100000:0")


def test_selectors_find_their_pods() -> None:
    objects = manifests.base()
    pods = {
        one["metadata"]["name"]: one["spec"]["template"]["metadata"]["labels"]
        for one in objects
        if one["kind"] == "Deployment"
    }
    for one in objects:
        if one["kind"] in ("Service", "PodDisruptionBudget", "Deployment"):
            selector = one["spec"]["selector"]
            wanted = selector.get("matchLabels", selector).items()
            assert wanted <= pods[one["metadata"]["name"]].items()
        elif one["kind"] == "HorizontalPodAutoscaler":
            assert one["spec"]["scaleTargetRef"]["name"] in pods


def test_scaling_by_lag_watches_the_groups_and_topics_of_the_writers() -> None:
    writers = {
        name.split("/")[1]: env
        for name, (_, env) in EVERYWHERE.items()
        if name.startswith("kubernetes") and PREFIX + "BROKER__GROUP" in env
    }
    scaled = manifests.documents(DEPLOY / "kubernetes/components/keda/scaled-objects.yaml")
    assert {one["spec"]["scaleTargetRef"]["name"] for one in scaled} == set(writers)
    for one in scaled:
        env = writers[one["spec"]["scaleTargetRef"]["name"]]
        (trigger,) = one["spec"]["triggers"]
        found = (trigger["metadata"]["topic"], trigger["metadata"]["consumerGroup"])
        assert found == (env[PREFIX + "BROKER__TOPIC"], env[PREFIX + "BROKER__GROUP"])


def test_the_storages_of_a_role_can_be_built(tmp_path: Path) -> None:
    for name, (_, env) in EVERYWHERE.items():
        config = load(env, tmp_path)
        assert storage.build(config, Metrics()), name
