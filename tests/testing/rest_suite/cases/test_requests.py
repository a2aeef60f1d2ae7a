"""Each case about paths, methods and headers passes on correct answers and kills its mutants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from testing.rest_suite.cases import requests
from testing.rest_suite.contract import OPERATIONS
from tests.mutation import edits
from tests.mutation.edits import status_is
from tests.mutation.middleware import (
    Answer,
    Forward,
    Middleware,
    Request,
)
from tests.mutation.operators import Make, changed

from .mock_instance import MockInstance, mock_instance
from .mutants import (
    BROKEN,
    WITH_BODY,
    only,
    renumbered,
)
from .trials import BoundCase, Mutant, collected, trials


def without(name: str) -> Make:
    """Leave a header away."""
    return changed(edits.header(name, None))


def elsewhere(request: Request, forward: Forward) -> Answer:
    """Redirect to somewhere else."""
    answer = forward(request)
    return answer.with_header("Location", "/elsewhere") if answer.status == 301 else answer


def has(name: str) -> Callable[[Request], object]:
    """Say whether a request has a header."""
    return lambda request: request.header(name)


def never_unchanged(request: Request, forward: Forward) -> Answer:
    """Send everything again."""
    return forward(request.with_headers(if_none_match=""))


def always_unchanged(request: Request, forward: Forward) -> Answer:
    """Send nothing again, whatever the client has."""
    answer = forward(request.with_headers(if_none_match=""))
    return replace(answer, status=304, body=b"") if request.header("If-None-Match") else answer


def compressed_without_vary(request: Request, forward: Forward) -> Answer:
    """Compress for clients that accept it, and do not tell caches that it depends on them."""
    answer = forward(request)
    if request.header("Accept-Encoding") != "gzip":
        return answer
    return answer.with_header("Content-Encoding", "gzip").with_header("Vary", None)


def unknown_encoding(request: Request, forward: Forward) -> Answer:
    """Use an encoding that the client did not accept."""
    answer = forward(request)
    if request.header("Accept-Encoding") != "gzip":
        return answer
    return answer.with_header("Content-Encoding", "compress")


def abroad(request: Request, forward: Forward) -> Answer:
    """Redirect to another host."""
    answer = forward(request)
    places = [value for name, value in answer.headers if name.lower() == "location"]
    return answer.with_header("Location", f"http://abroad.test{places[0]}") if places else answer


def another_tag_each_time() -> Middleware:
    """Send the same again, with another tag."""
    seen: list[Request] = []

    def middleware(request: Request, forward: Forward) -> Answer:
        seen.append(request)
        answer = forward(request.with_headers(if_none_match=""))
        return answer.with_header("ETag", f'"{len(seen)}"')

    return middleware


def one_tag_for_ever() -> Middleware:
    """Answer 304 to every client that has seen the answer once."""
    tag = '"once"'

    def middleware(request: Request, forward: Forward) -> Answer:
        answer = forward(request.with_headers(if_none_match="")).with_header("ETag", tag)
        known = request.header("If-None-Match") == tag
        return replace(answer, status=304, body=b"") if known else answer

    return middleware


REDIRECTS: tuple[Mutant, ...] = (
    ("raw", renumbered(301, 404)),
    ("raw", renumbered(301, 308)),
    ("raw", lambda: elsewhere),
    ("raw", lambda: abroad),
)
MUTANTS: dict[str, tuple[Mutant, ...]] = {
    "an_unknown_path_is_not_found": (
        ("raw", renumbered(404, 400)),
        ("raw", changed(edits.body(lambda _: b'{"status":"not found"}'))),
        ("raw", changed(edits.header("Content-Type", "text/html"))),
        ("raw", without("X-Content-Type-Options")),
    ),
    "other_methods_are_not_allowed": tuple(("raw", make) for make in WITH_BODY),
    "options_tell_the_methods": (
        ("raw", renumbered(405, 200)),
        ("raw", renumbered(405, 404)),
    ),
    "another_form_of_a_path_is_redirected": REDIRECTS,
    "the_prefix_without_its_slash_is_redirected": REDIRECTS,
    "a_bar_may_be_encoded": (
        ("rule", only(lambda request: "%7C" in request.target, BROKEN)),
        ("rule", only(lambda request: "|" in request.target, BROKEN)),
    ),
    "an_encoded_slash_splits_a_parameter": (
        ("raw", renumbered(404, 400)),
    ),
    "a_query_changes_nothing": (
        ("clusters", only(lambda request: "?" in request.target, BROKEN)),
        ("clusters", only(lambda request: "?" in request.target, edits.at(
            "clusters", edits.mapped(edits.strange)))),
    ),
    "what_a_client_accepts_changes_nothing": (
        ("clusters", only(lambda request: "html" in request.header("Accept"), BROKEN)),
    ),
    "the_type_of_a_body_changes_nothing": (
        ("*", only(lambda request: "plain" in request.header("Content-Type"), BROKEN)),
    ),
    "answers_have_a_length": (("*", changed(edits.header("Content-Length", "1"))),),
    "answers_have_a_length[report]": (("*", changed(edits.body(lambda body: body + b" "))),),
    "what_a_client_has_is_not_sent_again": (
        ("*", without("ETag")),
        ("*", lambda: never_unchanged),
        ("*", lambda: always_unchanged),
        ("*", lambda: another_tag_each_time()),
        ("*", changed(edits.header("ETag", None), status_is(304))),
    ),
    "what_has_changed_is_sent_again": (("", lambda: one_tag_for_ever()),),
    "answers_are_compressed_only_for_clients_that_accept_it": (
        ("openapi", changed(edits.header("Content-Encoding", "gzip"))),
        ("openapi", lambda: compressed_without_vary),
        ("openapi", lambda: unknown_encoding),
    ),
    "browsers_do_not_guess_the_type": (
        ("*", without("X-Content-Type-Options")),
    ),
}  # fmt: skip
# these tell the methods, where a 405 is wrong
LISTED = [name for name, one in OPERATIONS.items() if one.options]
for name in LISTED:
    MUTANTS[f"options_tell_the_methods[{name}]"] = (
        ("raw", renumbered(200, 405)),
        ("raw", without("Allow")),
        ("raw", changed(edits.body(lambda _: b"{}"))),
    )

PLACEHOLDER = ("answers_are_compressed_only_for_clients_that_accept_it",)


@pytest.fixture(scope="module")
def instance() -> Iterator[MockInstance]:
    """Give an instance that answers rightly."""
    with mock_instance() as found:
        yield found


@pytest.mark.parametrize("case", collected(requests), ids=lambda case: case.name)
def test_right_answers_pass(case: BoundCase, instance: MockInstance) -> None:
    assert instance.outcome(case) == ("passed", "")


@pytest.mark.parametrize(("case", "operation", "make"), trials(requests, MUTANTS))
def test_wrong_answers_fail(
    case: BoundCase, operation: str, make: Make, instance: MockInstance
) -> None:
    outcome, _ = instance.outcome(case, operation, make)
    assert outcome == "failed"


@pytest.mark.parametrize(
    "case",
    [case for case in collected(requests) if case.name in PLACEHOLDER],
    ids=lambda case: case.name,
)
def test_placeholder_for_the_description_passes(case: BoundCase, instance: MockInstance) -> None:
    body = b'{"openapi":"3.0.0","info":{"title":"x","version":"1"},"paths":{}}'
    outcome, _ = instance.outcome(case, "openapi", changed(edits.body(lambda _: body)))
    assert outcome == "passed"
