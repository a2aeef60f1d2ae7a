"""Reads `deploy/`: templates with default parameters, containers, variables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).parent.parent.parent / "deploy"
TEMPLATES = sorted((DEPLOY / "openshift").glob("*.yaml"))
BASE = sorted((DEPLOY / "kubernetes" / "base").glob("*.yaml"))
PREFIX = "INSIGHTS_RESULTS_AGGREGATOR__"
# `${{NAME}}` stands for a number, `${NAME}` for text
_PARAMETER = re.compile(r"\$\{\{(\w+)\}\}|\$\{(\w+)\}")
# values of secrets, which are not in the files
_SECRETS = {"port": "5432", "endpoint": "redis:6379"}

Document = dict[str, Any]


def documents(path: Path) -> list[Document]:
    """Return the documents of a YAML file."""
    return [one for one in yaml.safe_load_all(path.read_text(encoding="utf-8")) if one]


def template(path: Path) -> Document:
    """Return an OpenShift template."""
    (document,) = documents(path)
    return document


def parameters(document: Document) -> dict[str, str]:
    """Return the parameters of a template with their defaults; required ones are made up."""
    return {one["name"]: one.get("value", "required") for one in document["parameters"]}


def used(value: Any) -> set[str]:
    """Return the names of the parameters that occur in a value."""
    return {one or other for text in _texts(value) for one, other in _PARAMETER.findall(text)}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def processed(path: Path) -> list[Document]:
    """Return the objects of a template as `oc process` makes them."""
    document = template(path)
    objects: list[Document] = _filled(document["objects"], parameters(document))
    return objects


def _filled(value: Any, known: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item, known) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, known) for item in value]
    if not isinstance(value, str):
        return value
    whole = re.fullmatch(r"\$\{\{(\w+)\}\}", value)
    if whole:
        return yaml.safe_load(known[whole[1]])
    return re.sub(r"\$\{(\w+)\}", lambda found: known[found[1]], value)


def containers(objects: list[Document]) -> Iterator[tuple[str, Document, Document]]:
    """Yield name, pod spec and container of all that the objects start."""
    for one in objects:
        name = one["metadata"]["name"]
        spec = one.get("spec", {})
        if one["kind"] == "ClowdApp":
            for part in (*spec["deployments"], *spec.get("jobs", ())):
                pod = part["podSpec"]
                yield f"{name}/{part['name']}", pod, pod
                for initial in pod.get("initContainers", ()):
                    yield f"{name}/{part['name']}/{initial['name']}", pod, initial
            continue
        spec = spec.get("jobTemplate", {}).get("spec") or spec
        pod = spec.get("template", {}).get("spec")
        for container in pod["containers"] if pod else ():
            yield f"{name}/{container['name']}", pod, container


def environment(container: Document, configs: dict[str, dict[str, str]]) -> dict[str, str]:
    """Return the variables of a container, with made-up secrets."""
    found = {}
    for source in container.get("envFrom", ()):
        if "configMapRef" in source:
            found |= configs[source["configMapRef"]["name"]]
    for one in container["env"]:
        if "value" in one:
            found[one["name"]] = one["value"]
        else:
            key = one["valueFrom"]["secretKeyRef"]["key"]
            found[one["name"]] = _SECRETS.get(key, "secret")
    return found


def config_maps(objects: list[Document]) -> dict[str, dict[str, str]]:
    """Return the data of the ConfigMaps."""
    return {one["metadata"]["name"]: one["data"] for one in objects if one["kind"] == "ConfigMap"}


def base() -> list[Document]:
    """Return the objects of the Kubernetes base."""
    return [one for path in BASE for one in documents(path) if one["kind"] != "Kustomization"]


def everywhere() -> Iterator[tuple[str, Document, dict[str, str]]]:
    """Yield name, container and variables of every container of our image in `deploy/`."""
    for path in TEMPLATES:
        for name, _, container in containers(processed(path)):
            yield f"openshift/{name}", container, environment(container, {})
    objects = base()
    for name, _, container in containers(objects):
        yield f"kubernetes/{name}", container, environment(container, config_maps(objects))
    for name, service in compose()["services"].items():
        if service["image"].startswith("insights-results-aggregator"):
            yield f"compose/{name}", service, _without_defaults(service["environment"])


def compose() -> Document:
    """Return the compose file."""
    (document,) = documents(DEPLOY / "compose.yaml")
    return document


def _without_defaults(environment: dict[str, str]) -> dict[str, str]:
    return {name: re.sub(r"\$\{\w+:-(.*)\}", r"\1", environment[name]) for name in environment}
