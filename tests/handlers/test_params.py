"""Tests of aggregator.handlers.params and of the body's texts."""

from __future__ import annotations

import pytest

from aggregator.errors import InvalidInput
from aggregator.handlers import body, params

C1 = "25332b89-da0e-59d5-ad16-1eba16cd4adc"


@pytest.mark.parametrize(("text", "org"), [("1", 1), ("00101", 101), ("4294967295", 2**32 - 1)])
def test_organizations_are_decimal_numbers(text: str, org: int) -> None:
    assert params.org_id(text) == org


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("abc", "unsigned integer expected"),
        ("+1", "unsigned integer expected"),
        ("1_0", "unsigned integer expected"),
        (" 1", "unsigned integer expected"),
        ("\u0661", "unsigned integer expected"),
        ("1\n", "unsigned integer expected"),
        ("9" * 5000, "unsigned integer expected"),
        ("0", "positive value expected"),
        ("4294967296", "value 4294967296 out of range for uint32"),
    ],
)
def test_a_bad_organization_is_named(text: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        params.org_id(text)
    assert str(caught.value) in (
        reason,
        f"Error during parsing param 'org_id' with value '{text}'. Error: '{reason}'",
    )


@pytest.mark.parametrize(
    "text", [C1, C1.upper(), C1.replace("-", ""), f"urn:uuid:{C1}", f"URN:UUID:{C1}", f"{{{C1}}}"]
)
def test_every_form_of_a_uuid_is_taken_verbatim(text: str) -> None:
    assert params.cluster_id(text) == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("abc", "invalid UUID length: 3"),
        ("\u00e9", "invalid UUID length: 2"),
        ("z" * 36, "invalid UUID format"),
        ("urn:xxxx:" + C1, 'invalid urn prefix: "urn:xxxx:"'),
        ("\0" + C1 + "}", "invalid UUID format"),
        (C1 + "\n", "invalid UUID length: 37"),
    ],
)
def test_a_bad_cluster_is_told_why(text: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        params.cluster_id(text)
    assert str(caught.value).endswith(f"Error: '{reason}'")


def test_a_user_is_trimmed_and_never_blank() -> None:
    assert params.user_id(" user-1\t") == "user-1"
    with pytest.raises(InvalidInput, match=r"^Missing required param from request: user_id$"):
        params.user_id(" ")


@pytest.mark.parametrize("text", ["a\0b", "a\udc80b"])
def test_text_that_no_database_holds_is_refused(text: str) -> None:
    for parser in (params.user_id, params.error_key, params.namespace):
        with pytest.raises(InvalidInput):
            parser(text)


@pytest.mark.parametrize("text", ["a.b|KEY\n", "a|K", "a.b|", "a.b|K.E", "abc"])
def test_an_improper_selector_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        params.rule_selector(text)


def test_a_selector_is_not_anchored_at_its_start() -> None:
    assert params.rule_selector("!! a.b|KEY") == "!! a.b|KEY"


def test_the_first_json_value_of_a_body_counts() -> None:
    assert (
        body.field_text(body.parse(b' {"Message": "a", "message": "b"} trailing'), "message") == "b"
    )


def test_null_leaves_an_equal_name_before_it_alone() -> None:
    assert body.field_text(body.parse(b'{"message": "a", "Message": null}'), "message") == "a"
    assert body.field_text(body.parse(b'{"message": null, "Message": "b"}'), "message") == "b"


@pytest.mark.parametrize("raw", [b'{"rating": "1", "rating": 1}', b'{"rating": 1, "rating": 1.0}'])
def test_equal_names_of_different_types_are_a_wrong_type(raw: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"^bad type in json data$"):
        body.field_integer(body.parse(raw), "rating")


@pytest.mark.parametrize("raw", [b"", b"  ", b'{"a":', b"hello", b"NaN", b"[" * 10_000])
def test_a_body_that_is_no_json_is_bad_input(raw: bytes) -> None:
    with pytest.raises(InvalidInput):
        body.parse(raw)


def test_the_limit_of_a_text_counts_bytes() -> None:
    assert body.limited("message", "\u00e9" * 127, 255) == "\u00e9" * 127
    with pytest.raises(InvalidInput) as caught:
        body.limited("message", "\u00e9" * 128, 255)
    assert "\ufffd...'. Error: 'feedback message is longer than 255 bytes'" in str(caught.value)
