"""Text of anybody in place of tokens, key sets, parameters and bodies: our errors, linear work.

FUZZ_EXAMPLES says how many are tried for each. What is known to be hostile is in `hostile.json`:
each piece is what comes first, what is repeated, what comes last, and how often.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregator import handlers, model
from aggregator.config.options import ServerConfig
from aggregator.errors import AggregatorError, ConfigError, InvalidInput, Unauthorized
from aggregator.handlers import body, params, router
from aggregator.handlers.auth import LONGEST_TOKEN, JwtAuthenticator, XrhAuthenticator
from aggregator.handlers.jwt_keys import KeyFile
from aggregator.model import check_cluster
from tests.steps import steps

fuzz = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "150")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
KEY = "k" * 64
HOSTILE: dict[str, list[tuple[str, str, str, int]]] = json.loads(
    Path(__file__).with_name("hostile.json").read_text()
)
PARAMETERS: dict[str, Callable[[str], object]] = {
    **params.PARAMS,
    "orgs_list": lambda text: params.orgs_list(text.split(",")),
    "clusters_list": lambda text: params.clusters_list(text.split(",")),
    "rule_and_key": params.rule_and_key,
    "rule_with_key": params.rule_with_key,
    "report_clusters": lambda text: params.report_clusters([text]),
    "check_cluster": check_cluster,
    "limited": lambda text: body.limited("message", model.well_formed(text), 255),
}
WORDS = """
identity org_id ORG_ID account_number internal user username email user_id type exp nbf iat aud iss
keys kty kid n e k crv x y alg use clusters message rule rating justification
"""
NAMES = st.sampled_from(WORDS.split())
TEXTS = st.text(max_size=6) | st.sampled_from(["1", "0", "\ud800", "\0", "9" * 30, "RSA", "oct"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.just(10**4200),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | TEXTS, inner, max_size=4),
    max_leaves=15,
)


def whole(piece: tuple[str, str, str, int]) -> str:
    """Return the text that a piece of `hostile.json` stands for."""
    first, repeated, last, times = piece
    return first + repeated * times + last


def packed(raw: bytes) -> str:
    """Return bytes as a part of a JWT."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(header: bytes, claims: bytes) -> str:
    """Return a JWT with a right signature, whatever its parts hold."""
    text = f"{packed(header)}.{packed(claims)}"
    signature = jwt.get_algorithm_by_name("HS256").sign(text.encode(), KEY.encode())
    return f"{text}.{packed(signature)}"


@pytest.fixture(scope="module")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> JwtAuthenticator:
    """Return a reader of JWTs with a key that this module can sign with."""
    file = tmp_path_factory.mktemp("keys") / "key"
    file.write_text(KEY)
    return JwtAuthenticator(
        ServerConfig(auth=True, auth_type="jwt", jwt_key_file=str(file), jwt_algorithms=("HS256",))
    )


def judge(read: Callable[..., object], *given: object) -> None:
    """Read; only errors of our own, with a text that an answer can hold, may be raised."""
    try:
        read(*given)
    except AggregatorError as error:
        model.well_formed(str(error)).encode()


def read_header(raw: bytes) -> None:
    """Read an identity header that holds these bytes."""
    XrhAuthenticator().identify({"x-rh-identity": base64.b64encode(raw).decode()})


def read_token(verifier: JwtAuthenticator, token: str) -> None:
    """Read a JWT."""
    verifier.identify({"Authorization": "Bearer " + token})


def read_tokens(verifier: JwtAuthenticator, raw: bytes) -> None:
    """Read these bytes as identity header, and as parts of signed JWTs, flat and wrapped."""
    judge(read_header, raw)
    head = b'{"alg": "HS256"}'
    for token in (
        signed(head, raw),
        signed(head, b'{"identity": ' + raw + b"}"),
        signed(b'{"alg": "HS256", "kid": ' + raw + b"}", b'{"org_id": "1"}'),
        signed(raw, b"{}"),
    ):
        judge(read_token, verifier, token)


def read_body(raw: bytes) -> None:
    """Read a body, and each attribute in each way that a handler does."""
    found = body.parse(raw)
    for name in ("clusters", "message", "rule", "rating", "justification", "a"):
        for read in (body.field_text, body.field_integer):
            with contextlib.suppress(InvalidInput):
                read(found, name)
        with contextlib.suppress(InvalidInput):
            body.names(body.field(found, name))
    with contextlib.suppress(InvalidInput):
        params.report_clusters(body.names(found))


def written(value: Any) -> bytes:
    """Return a value as JSON text, with numbers that Python does not write."""
    with longer_numbers():
        return json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass")


@contextlib.contextmanager
def longer_numbers() -> Iterator[None]:
    """Let tests write what the service must not read."""
    most = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        yield
    finally:
        sys.set_int_max_str_digits(most)


@pytest.mark.parametrize("piece", HOSTILE["documents"], ids=str)
def test_hostile_documents_raise_nothing_but_our_errors(
    verifier: JwtAuthenticator, tmp_path: Path, piece: tuple[str, str, str, int]
) -> None:
    raw = whole(piece).encode(errors="surrogatepass")
    read_tokens(verifier, raw)
    judge(read_body, raw)
    read_keys(tmp_path / "keys.json", raw)


@pytest.mark.parametrize("piece", HOSTILE["pieces"], ids=repr)
def test_hostile_texts_raise_nothing_but_our_errors(
    verifier: JwtAuthenticator, piece: tuple[str, str, str, int]
) -> None:
    text = whole(piece)
    for read in PARAMETERS.values():
        judge(read, text)
    judge(read_token, verifier, text)
    judge(read_body, written({"message": text, "clusters": [text], "rating": text}))
    read_tokens(verifier, written({"identity": {"org_id": text, "account_number": text}}))


@fuzz
@given(raw=st.binary(max_size=100))
def test_any_bytes_raise_nothing_but_our_errors(verifier: JwtAuthenticator, raw: bytes) -> None:
    read_tokens(verifier, raw)
    judge(read_body, raw)
    judge(read_token, verifier, raw.decode("latin-1"))
    judge(XrhAuthenticator().identify, {"x-rh-identity": raw.decode("latin-1")})


@fuzz
@given(value=VALUES)
def test_any_json_raises_nothing_but_our_errors(verifier: JwtAuthenticator, value: Any) -> None:
    read_tokens(verifier, written(value))
    judge(read_body, written(value))
    read_tokens(verifier, written({"identity": value}))


@fuzz
@given(text=st.text() | st.text(alphabet="aK0.|,{}-\n\0\ud800\u0661", max_size=40))
def test_any_parameter_raises_nothing_but_our_errors(text: str) -> None:
    for read in PARAMETERS.values():
        judge(read, text)


def read_keys(file: Path, raw: bytes) -> None:
    """Read a key set at the start and while the service runs: ConfigError, and the old keys."""
    file.write_bytes(raw)
    config = ServerConfig(auth=True, auth_type="jwt", jwt_jwks_file=str(file))
    with contextlib.suppress(ConfigError):
        KeyFile(config)
    good = {"kty": "oct", "kid": "one", "k": packed(KEY.encode())}
    file.write_text(json.dumps({"keys": [good]}))
    keys = KeyFile(config)
    file.write_bytes(raw)
    keys.refresh()
    with contextlib.suppress(jwt.InvalidKeyError):
        keys.candidates("one")


@fuzz
@given(value=VALUES, raw=st.binary(max_size=50))
def test_any_key_set_raises_nothing_but_our_errors(
    tmp_path_factory: pytest.TempPathFactory, value: Any, raw: bytes
) -> None:
    file = tmp_path_factory.getbasetemp() / "keys.json"
    for one in (raw, written(value), written({"keys": value}), written({"keys": [value]})):
        read_keys(file, one)


@pytest.mark.parametrize("header", ["x-rh-identity", "Authorization"])
def test_a_token_that_is_too_long_is_not_looked_into(
    verifier: JwtAuthenticator, header: str
) -> None:
    claims = {"identity": {"org_id": "1"}, "x": "y" * LONGEST_TOKEN}
    token = base64.b64encode(written(claims)).decode()
    readers: dict[str, Any] = {"x-rh-identity": XrhAuthenticator(), "Authorization": verifier}
    headers = {header: token if header == "x-rh-identity" else f"Bearer {token}"}
    with pytest.raises(Unauthorized, match=r"^Malformed authentication token$"):
        readers[header].identify(headers)
    assert steps(partial(judge, readers[header].identify, headers), lines=True) < 100


UNITS = ["a", "1,", "a.", "|", "a.b|K", "\ud800", ",", "0", " ", "\0", "9", "e\u0301"]


@pytest.mark.parametrize("name", PARAMETERS)
@pytest.mark.parametrize("unit", UNITS)
def test_reading_a_parameter_takes_work_that_grows_with_its_length(name: str, unit: str) -> None:
    read = PARAMETERS[name]
    one, two, four = (
        steps(partial(judge, read, unit * (1000 * times)), lines=True) for times in (1, 2, 4)
    )
    assert two <= 2.2 * one + 50
    assert four <= 2.2 * two + 50


JSON_UNITS = ["[", "{}", "[],", '{"a":', '"a",', "1,", "9", '"\\ud800",', "\ufffd", " ", "\\", '"']


@pytest.mark.parametrize("unit", JSON_UNITS)
@pytest.mark.parametrize("read", ["xrh", "jwt", "body"])
def test_reading_a_document_takes_work_that_grows_with_its_length(
    verifier: JwtAuthenticator, unit: str, read: str
) -> None:
    def work(times: int) -> None:
        raw = ("[" + unit * (1000 * times)).encode()
        if read == "xrh":
            judge(read_header, raw)
        elif read == "jwt":
            judge(read_token, verifier, signed(b'{"alg": "HS256"}', raw))
        else:
            judge(read_body, raw)

    one, two, four = (steps(partial(work, times), lines=True) for times in (1, 2, 4))
    assert two <= 2.2 * one + 200
    assert four <= 2.2 * two + 200


def test_no_expression_for_foreign_text_can_begin_again_at_each_character() -> None:
    """Steps inside of an expression are not counted above, so none may search with repetitions."""
    folder = Path(handlers.__file__).parent
    names = [f"aggregator.handlers.{path.stem}" for path in folder.glob("*.py")]
    searched = []
    for name in [*names, "aggregator.model", "aggregator.escaping"]:
        module = import_module(name)
        source = Path(module.__file__ or "").read_text()
        for variable in re.findall(r"\b(\w+)\.(?:search|sub|findall|finditer|split)\(", source):
            pattern = getattr(module, variable, None)
            if isinstance(pattern, re.Pattern):
                searched.append(variable)
                if variable == "_TOKENS":  # is for JSON that was found well-formed before
                    continue
                # a repetition at the end never fails, so nothing is tried again
                text = re.sub(r"[+*]'?\Z", "", str(pattern.pattern))
                assert not re.search(r"(?<!\\)[+*]|\{\d*,\}", text), variable
    assert {"_SURROGATE", "_WORD_DOT_MORE", "_UNSAFE"} <= set(searched)


@fuzz
@given(
    st.lists(
        st.integers(0, 255).map("%{:02X}".format)
        | st.integers(0, 255).map("%{:02x}".format)
        | st.characters(min_codepoint=1, max_codepoint=255).filter(lambda one: one != "%")
    ).map("".join)
)
def test_a_path_is_decoded_as_urllib_does(path: str) -> None:
    assert router.unquoted(path) == unquote(path, errors="surrogateescape")
