"""The description of the API: valid, complete, and true to the answers of the reference."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend
from openapi_spec_validator import OpenAPIV31SpecValidator

from aggregator.handlers.about import without_debug
from aggregator.handlers.routes import routes

ROOT = Path(__file__).parent.parent
DOCUMENT: dict[str, Any] = json.loads((ROOT / "aggregator/schemas/openapi.json").read_text())
ANSWERS: list[dict[str, Any]] = json.loads((ROOT / "tests/golden/openapi_answers.json").read_text())
PAGE = (ROOT / "docs/rest-api.md").read_text()
METHODS = {"get", "put", "post", "delete", "options"}
PROBES = ("/livez", "/readyz")

# 400 for what no schema can tell: owners of clusters, bytes of a text, bodies that are no JSON
BEYOND_SCHEMAS = re.compile(
    "Improper organization ID|is longer than 255 bytes|invalid character|request body$"
)


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield method, path and operation of all operations."""
    for path, item in DOCUMENT["paths"].items():
        for method in sorted(METHODS & set(item)):
            yield method, path, item[method]


OPERATIONS = list(operations())


def resolved(thing: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference into the components."""
    while "$ref" in thing:
        _, _, kind, name = thing["$ref"].split("/")
        thing = DOCUMENT["components"][kind][name]
    return thing


def pattern(_: Any, wanted: str, value: Any, __: Any) -> Iterator[ValidationError]:
    """Match as JSON Schema means it: `$` is the very end, while Python lets a line feed follow."""
    if isinstance(value, str) and not re.search(wanted.replace("$", r"\Z"), value):
        yield ValidationError(f"{value!r} does not match {wanted!r}")


Validator: Any = extend(Draft202012Validator, {"pattern": pattern})  # type: ignore[no-untyped-call]


def faults(schema: dict[str, Any], value: Any) -> list[str]:
    """Return what the schema has against the value."""
    whole = {"allOf": [schema], "components": DOCUMENT["components"]}
    return [error.message for error in Validator(whole).iter_errors(value)]


def find(method: str, path: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the operation that the path belongs to, with its parameters as they are written."""
    segments = unquote(path.partition("?")[0], errors="surrogateescape").split("/")
    found: list[tuple[int, dict[str, Any], dict[str, str]]] = []
    for other, template, operation in OPERATIONS:
        pairs = list(zip(template.split("/"), segments, strict=False))
        fits = all(wanted == given or wanted.startswith("{") for wanted, given in pairs)
        if other == method and fits and template.count("/") + 1 == len(segments):
            names = {wanted[1:-1]: given for wanted, given in pairs if wanted.startswith("{")}
            found.append((len(names), operation, names))
    assert found, f"{method} {path} is not described"
    return min(found, key=lambda entry: entry[0])[1:]


def as_value(text: str, schema: dict[str, Any]) -> Any:
    """Return the parameter as the schema sees it: decimal digits are a number."""
    if schema.get("type") == "integer" and text.isascii() and text.isdigit():
        return int(text)
    return text


def request_faults(case: dict[str, Any]) -> list[str]:
    """Return what the document has against parameters and body of a request."""
    operation, given = find(case["method"].lower(), case["path"])
    found = []
    for parameter in map(resolved, operation.get("parameters", ())):
        if parameter["in"] == "path":
            value = as_value(given[parameter["name"]], resolved(parameter["schema"]))
            found += faults(parameter["schema"], value)
    if "requestBody" in operation and "body" in case:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        found += faults(schema, case["body"])
    return found


def named(cases: list[dict[str, Any]]) -> list[Any]:
    """Return the cases as parameters with their names."""
    return [pytest.param(case, id=case["id"]) for case in cases]


def test_the_document_is_valid() -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


def test_a_broken_document_would_be_noticed() -> None:
    broken = {**DOCUMENT, "paths": {"/x/{y}": {"get": {"responses": {}}}}}
    assert list(OpenAPIV31SpecValidator(broken).iter_errors())


@pytest.mark.parametrize("case", named(ANSWERS))
def test_the_answer_of_the_reference_fits_the_documented_schema(case: dict[str, Any]) -> None:
    operation, _ = find(case["method"].lower(), case["path"])
    response = resolved(operation["responses"][str(case["status"])])
    assert faults(response["content"]["application/json"]["schema"], case["answer"]) == []


@pytest.mark.parametrize("case", named(ANSWERS))
def test_an_answer_with_one_more_member_does_not_fit(case: dict[str, Any]) -> None:
    operation, _ = find(case["method"].lower(), case["path"])
    response = resolved(operation["responses"][str(case["status"])])
    answer = {**case["answer"], "surplus": 1}
    assert faults(response["content"]["application/json"]["schema"], answer)


@pytest.mark.parametrize("case", named([case for case in ANSWERS if case["status"] == 200]))
def test_a_request_that_succeeds_is_admitted(case: dict[str, Any]) -> None:
    assert request_faults(case) == []


@pytest.mark.parametrize(
    "case",
    named(
        [
            case
            for case in ANSWERS
            if case["status"] == 400 and not BEYOND_SCHEMAS.search(case["answer"]["status"])
        ]
    ),
)
def test_a_request_that_is_refused_is_not_admitted(case: dict[str, Any]) -> None:
    assert request_faults(case)


@pytest.mark.parametrize("debug", [True, False])
def test_what_is_served_describes_all_routes_and_nothing_else(*, debug: bool) -> None:
    document = DOCUMENT if debug else json.loads(without_debug(json.dumps(DOCUMENT).encode()))
    described = {
        (method, path) for path, item in document["paths"].items() for method in METHODS & set(item)
    }
    served = {
        (name.lower(), "/" + route.path) for route in routes(debug=debug) for name in route.methods
    }
    options = {("options", "/" + route.path) for route in routes(debug=debug) if route.options}
    assert described == served | options


def test_every_operation_has_its_own_name() -> None:
    names = Counter(operation["operationId"] for _, _, operation in OPERATIONS)
    assert [name for name, count in names.items() if count > 1] == []


def test_every_tag_is_explained_and_used() -> None:
    used = {tag for _, _, operation in OPERATIONS for tag in operation["tags"]}
    assert used == {tag["name"] for tag in DOCUMENT["tags"]}


def test_only_these_operations_are_for_debugging() -> None:
    tagged = {op["operationId"] for _, _, op in OPERATIONS if "debug" in op["tags"]}
    assert tagged == {
        "list_organizations",
        "delete_organizations",
        "delete_clusters",
        "get_vote",
        "get_vote_on_rule",
    }


def test_a_path_names_its_parameters_and_no_others() -> None:
    for method, path, operation in OPERATIONS:
        parameters = map(resolved, operation.get("parameters", ()))
        names = [entry["name"] for entry in parameters if entry["in"] == "path"]
        assert sorted(names) == sorted(re.findall(r"{(\w+)}", path)), (method, path)


def expected_statuses(method: str, path: str, operation: dict[str, Any]) -> set[str]:
    """Return the statuses that follow from what an operation is."""
    if method == "options":
        return {"200"}
    statuses = {"200"} | ({"304"} if method == "get" else set())
    if path not in PROBES:
        statuses.add("401")
    if "{" in path:
        statuses |= {"400", "503"}
    if method in ("put", "post") or "requestBody" in operation:
        statuses.add("413")
    owned = ("org_id", "organization", "organizations", "cluster", "clusters")
    if any(f"{{{name}}}" in path for name in owned):
        statuses.add("403")
    return statuses


def test_every_operation_tells_the_statuses_that_it_can_give() -> None:
    # 404 depends on what is asked for; these two touch the database without a parameter
    for method, path, operation in OPERATIONS:
        told = set(operation["responses"]) - {"404"}
        also = {"503"} if path in ("/organizations", "/readyz") else set()
        assert told == expected_statuses(method, path, operation) | also, (method, path)


def test_what_the_reference_does_not_find_is_told() -> None:
    told = {op["operationId"] for _, _, op in OPERATIONS if "404" in op["responses"]}
    missed = {
        find(case["method"].lower(), case["path"])[0]["operationId"]
        for case in ANSWERS
        if case["status"] == 404
    }
    assert missed <= told


def test_probes_are_outside_the_prefix_and_open() -> None:
    for path in PROBES:
        item = DOCUMENT["paths"][path]
        assert [server["url"] for server in item["servers"]] == ["/"]
        assert item["get"]["security"] == []


def test_503_says_when_to_come_back() -> None:
    headers = DOCUMENT["components"]["responses"]["Unavailable"]["headers"]
    assert headers["Retry-After"]["required"] is True


def media(thing: dict[str, Any]) -> Iterator[tuple[dict[str, Any], Any]]:
    """Yield schema and value of the examples of a body or a response."""
    for content in thing.get("content", {}).values():
        for example in content.get("examples", {}).values():
            yield content["schema"], example["value"]


def test_every_json_answer_but_this_document_has_an_example() -> None:
    for method, path, operation in OPERATIONS:
        content = resolved(operation["responses"]["200"]).get("content", {})
        if "application/json" in content and path != "/openapi.json":
            assert content["application/json"].get("examples"), (method, path)


def test_examples_of_bodies_and_answers_fit_their_schemas() -> None:
    checked = 0
    for _, _, operation in OPERATIONS:
        bodies = [operation.get("requestBody", {}), *map(resolved, operation["responses"].values())]
        for schema, value in (pair for body in bodies for pair in media(body)):
            assert faults(schema, value) == [], operation["operationId"]
            checked += 1
    assert checked > 100


def test_examples_of_parameters_and_words_fit_their_schemas() -> None:
    for name, parameter in DOCUMENT["components"]["parameters"].items():
        if "example" in parameter:
            assert faults(parameter["schema"], parameter["example"]) == [], name
    for name, schema in DOCUMENT["components"]["schemas"].items():
        for value in schema.get("examples", ()):
            assert faults(schema, value) == [], name


def test_the_page_lists_the_operations_of_the_document() -> None:
    rows = re.findall(r"^\| ([A-Z]+)( \+ OPTIONS)? \| `([^`]+)` \| .* \| (.*) \|$", PAGE, re.M)
    listed = {(method.lower(), path, "debug" in access) for method, _, path, access in rows}
    listed |= {("options", path, False) for _, options, path, _ in rows if options}
    assert listed == {(method, path, "debug" in op["tags"]) for method, path, op in OPERATIONS}
    assert len(rows) == sum(method != "options" for method, _, _ in OPERATIONS)
