"""Foreign text in bodies, tokens and paths: Go's words, bounded work, no exception but ours."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest

from aggregator.errors import AggregatorError, InvalidInput, Unauthorized
from aggregator.handlers import body, json_syntax, params
from aggregator.handlers.auth import XrhAuthenticator
from aggregator.model import check_cluster

RECORDED = json.loads(Path(__file__).with_name("go_json.json").read_text())
CUT_SHORT = ("unexpected end of JSON input", "client didn't provide request body")


@pytest.mark.parametrize("recorded", RECORDED["bodies"], ids=lambda one: one["body"][:20])
def test_a_body_that_is_no_json_is_refused_in_the_words_of_the_go_service(
    recorded: dict[str, Any],
) -> None:
    status, text, raw = recorded["status"], recorded["text"], recorded["body"].encode("latin-1")
    if text.startswith("Error during validating") or text == "bad type in json data":
        # it is JSON; attributes are judged elsewhere
        body.parse(raw)
        return
    with pytest.raises(InvalidInput) as caught:
        body.parse(raw)
    # what is cut short is the client's fault, not 500 (departure 18)
    assert str(caught.value) in (CUT_SHORT if status == 500 else (text,))


@pytest.mark.parametrize("recorded", RECORDED["identities"], ids=lambda one: one["case"])
def test_an_identity_is_taken_or_refused_as_by_the_go_service(recorded: dict[str, Any]) -> None:
    token = base64.b64encode(recorded["token"].encode("latin-1")).decode()
    headers = {"x-rh-identity": token}
    if recorded["status"] == 200:
        assert XrhAuthenticator().identify(headers).org == 1
        return
    with pytest.raises(Unauthorized) as caught:
        XrhAuthenticator().identify(headers)
    assert str(caught.value) == recorded["text"]


def test_a_name_that_only_looks_alike_in_capitals_is_another_name() -> None:
    assert body.parse('{"me\u00dfage": 1}'.encode()) == {"me\u00dfage": 1}


@pytest.mark.parametrize("number", ["9" * 5000, "-" + "9" * 5000, "9" * 20])
def test_a_number_beyond_64_bits_has_no_type_that_is_wanted(number: str) -> None:
    document = body.parse(f'{{"rating": {number}, "rule": "x"}}'.encode())
    with pytest.raises(InvalidInput, match="bad type in json data"):
        body.field_integer(document, "rating")
    assert body.field_text(document, "rule") == "x"


FOREIGN = [
    "9" * 5000,
    "0" * 5000,
    "0" * 5000 + "1",
    "\ud800",
    "\udcff|\udcff",
    "\0",
    "\u0661",
    "|" * 99,
]


READERS = [
    *params.PARAMS.values(),
    lambda text: params.orgs_list(text.split(",")),
    lambda text: params.clusters_list(text.split(",")),
]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("text", FOREIGN)
def test_no_parameter_raises_but_our_own_errors_which_can_be_encoded(read: Any, text: str) -> None:
    try:
        read(text)
    except AggregatorError as error:
        str(error).encode()


def test_leading_zeros_do_not_make_a_number_too_long() -> None:
    assert params.org_id("0" * 5000 + "7") == 7
    assert params.orgs_list(["0" * 5000 + "7", "0"]) == [7, 0]


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("a.b|K", True),
        ("!! a.b|K", True),
        ("a..|K", True),
        ("a.|K", False),
        (".a|K", False),
        (".a.b|K", True),
        ("a|K", False),
        ("a.b|", False),
        ("a.b|K\n", False),
        ("x|a.b|K", True),
        ("a.b|K.x", False),
        ("a.b-c|K", False),
        ("\u00e9a.b|K", True),
    ],
)
def test_a_selector_is_what_the_go_services_expression_finds(text: str, right: bool) -> None:
    expression = re.compile(r"[a-zA-Z_0-9]+\.[a-zA-Z_0-9.]+\|[a-zA-Z_0-9]+\Z")
    assert bool(expression.search(text)) is right
    if right:
        params.rule_selector(text)
    else:
        with pytest.raises(InvalidInput):
            params.rule_selector(text)


def test_no_expression_begins_again_at_each_character_of_foreign_text() -> None:
    """An unanchored search with an open repetition is what makes work grow with the square."""
    for module in (params, json_syntax):
        source = Path(module.__file__ or "").read_text()
        for name in re.findall(r"(_[A-Z_]+)\.search\(", source):
            pattern = getattr(module, name).pattern
            assert not re.search(r"[+*]|\{\d+,\}", pattern), name


@pytest.mark.parametrize("unit", ["a", "a.", "|", ".", "a.b|", "\ud800"])
def test_long_parameters_are_judged(unit: str) -> None:
    for times in (1, 2, 4):
        text = unit * (62_000 * times)
        for read in (params.rule_selector, params.namespace, check_cluster):
            with pytest.raises(InvalidInput):
                read(text)
