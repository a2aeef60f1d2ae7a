"""What the project promises about its own code."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.handlers.routes import routes

ROOT = Path(__file__).parent.parent
OURS = ("aggregator", "testing", "tests", "benchmarks")
SHIPPED = ("aggregator", "testing")
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}
# layers of the two journeys, and what each of them must not know
FORBIDDEN = {
    "aggregator/handlers": {"aggregator.db", "aggregator.ingest", "aiokafka", "sqlalchemy"},
    "aggregator/ingest": {"aggregator.db", "aggregator.handlers", "tornado", "sqlalchemy"},
    "aggregator/dashboard": {"aggregator.db", "sqlalchemy"},
    "aggregator/db": {"aggregator.handlers", "aggregator.ingest", "aiokafka", "tornado"},
    "aggregator/model.py": {"aiokafka", "tornado", "sqlalchemy", "http"},
    "aggregator/errors.py": {"aiokafka", "tornado", "sqlalchemy", "http"},
    "aggregator/storage.py": {"aggregator.db", "aiokafka", "tornado", "sqlalchemy", "http"},
}


def modules(*folders: str) -> list[Path]:
    """Return our Python files, as paths from the root of the project."""
    return sorted(
        path.relative_to(ROOT) for folder in folders for path in (ROOT / folder).rglob("*.py")
    )


def parsed(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def imported(path: Path) -> Iterator[str]:
    """Yield the full dotted names of what a module imports, wherever in it."""
    package = path.with_suffix("").parts[:-1]
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            source = ".".join((*above, *([node.module] if node.module else [])))
            yield source
            yield from (f"{source}.{alias.name}" for alias in node.names)


def within(name: str, package: str) -> bool:
    """Say whether a dotted name is the package or something in it."""
    return name == package or name.startswith(package + ".")


@pytest.mark.parametrize("path", modules(*OURS), ids=str)
def test_the_first_line_says_what_the_module_is(path: Path) -> None:
    docstring = ast.get_docstring(parsed(path))
    assert docstring or not (ROOT / path).read_text(encoding="utf-8"), "no docstring"


@pytest.mark.parametrize("path", modules(*OURS), ids=str)
def test_a_module_has_a_specific_name(path: Path) -> None:
    assert not VAGUE & set(path.with_suffix("").parts)


@pytest.mark.parametrize("place", FORBIDDEN)
def test_a_layer_does_not_know_the_others(place: str) -> None:
    files = [Path(place)] if place.endswith(".py") else modules(place)
    assert files
    unwanted = [
        f"{path} imports {name}"
        for path in files
        for name in imported(path)
        for package in FORBIDDEN[place]
        if within(name, package)
    ]
    assert not unwanted


def test_only_the_composition_root_and_the_commands_know_the_database() -> None:
    allowed = (Path("aggregator/service.py"), Path("aggregator/commands"), Path("aggregator/db"))
    unwanted = [
        f"{path} imports {name}"
        for path in modules("aggregator")
        if not any(path.is_relative_to(place) for place in allowed)
        for name in imported(path)
        if within(name, "aggregator.db")
    ]
    assert not unwanted


def test_what_is_shipped_for_testing_knows_only_words_of_the_service() -> None:
    """Mocks stand in for parts of the service, so they alone may import it."""
    unwanted = [
        f"{path} imports {name}"
        for path in modules("testing")
        if not path.is_relative_to("testing/mocks") and not path.is_relative_to("testing/contract")
        for name in imported(path)
        if within(name, "aggregator")
    ]
    assert not unwanted


def test_packages_of_the_wheel_do_not_import_tests() -> None:
    unwanted = [
        f"{path} imports {name}"
        for path in modules(*SHIPPED)
        for name in imported(path)
        if within(name, "tests")
    ]
    assert not unwanted


def test_the_service_does_not_need_its_tests() -> None:
    """`dev` alone may: what it starts is made of mocks and generated messages."""
    unwanted = [
        f"{path} imports {name}"
        for path in modules("aggregator")
        if path != Path("aggregator/commands/dev.py")
        for name in imported(path)
        if within(name, "testing") or within(name, "tests")
    ]
    assert not unwanted


def test_only_the_configuration_reads_the_environment() -> None:
    """`print-env` shows it and reads nothing out of it."""
    allowed = {Path("aggregator/config/loading.py"), Path("aggregator/commands/print_env.py")}
    readers = [
        path
        for path in modules("aggregator")
        if path not in allowed
        for node in ast.walk(parsed(path))
        if (isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"})
    ]
    assert not readers


@pytest.mark.parametrize("path", modules("aggregator/db/migrations"), ids=str)
def test_a_migration_never_imports_the_tables_of_today(path: Path) -> None:
    assert not [name for name in imported(path) if within(name, "aggregator.db.tables")]


def test_the_routes_are_those_of_the_openapi_document() -> None:
    document = json.loads((ROOT / "aggregator/schemas/openapi.json").read_text(encoding="utf-8"))
    described = {
        (path, method.upper())
        for path, item in document["paths"].items()
        for method in item
        if method in {"get", "put", "post", "delete", "options"}
    }
    served = {
        (f"/{route.path}", method)
        for route in routes(debug=True)
        for method in (*route.methods, *(("OPTIONS",) if route.options else ()))
    }
    assert served == described


@pytest.mark.parametrize(
    "page", sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("docs/**/*.md")), ids=str
)
def test_a_link_in_the_documentation_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not missing


def test_references_to_the_contract_hit_a_heading() -> None:
    headings = {
        f"{page.stem} {number}"
        for page in (ROOT / "docs" / "contract").glob("*.md")
        for number in re.findall(r"(?m)^#+ ([0-9.]*[0-9])\.? ", page.read_text())
    }
    reference = re.compile(
        r"contract (rest-api|ingest|storage|config-cli)((?:,? (?:and )?(?:to )?[0-9.]*[0-9])+)"
    )
    found = 0
    for folder in ("aggregator", "testing", "tests", "benchmarks"):
        for path in (ROOT / folder).rglob("*.py"):
            text = " ".join(path.read_text().split())
            for page, numbers in reference.findall(text):
                for number in re.findall(r"[0-9.]*[0-9]", numbers):
                    found += 1
                    assert f"{page} {number}" in headings, f"{path}: {page} {number}"
    assert found > 80
