"""Tests of aggregator.handlers.auth."""

from __future__ import annotations

import base64
import contextlib
import json
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from aggregator.config.options import ServerConfig
from aggregator.errors import ConfigError, Unauthorized
from aggregator.handlers.auth import JwtAuthenticator, XrhAuthenticator, authenticator


def header(document: Any) -> dict[str, str]:
    return {"x-rh-identity": base64.b64encode(json.dumps(document).encode()).decode()}


def test_the_organization_of_the_identity_header_counts() -> None:
    document = {"identity": {"org_id": "00101", "account_number": "7"}}
    assert XrhAuthenticator().identify(header(document)).org == 101


def test_the_form_of_2020_is_accepted_when_the_present_one_is_absent() -> None:
    document = {"identity": {"internal": {"org_id": "5"}}}
    assert XrhAuthenticator().identify(header(document)).org == 5


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"identity": {"org_id": 101}},
        {"identity": {"org_id": "-1"}},
        {"identity": {"org_id": ""}},
        {"identity": {"org_id": "4294967296"}},
        {"identity": {"org_id": "9" * 5000}},
        {"identity": {"org_id": "\u0661"}},
        {"identity": {"org_id": "1", "account_number": 7}},
        {"identity": {"org_id": "1", "type": 1}},
        {"identity": {"org_id": "1", "service_account": "me"}},
        {"identity": {"org_id": "1", "service_account": {"client_id": 7}}},
        {"identity": {"org_id": 101, "ORG_ID": "101"}},
        {"identity": "me"},
    ],
)
def test_a_malformed_identity_is_refused(document: Any) -> None:
    with pytest.raises(Unauthorized, match=r"^Malformed authentication token$"):
        XrhAuthenticator().identify(header(document))


def test_organization_0_has_tokens_in_the_form_of_2020_only() -> None:
    zero = {"org_id": "0"}
    assert XrhAuthenticator().identify(header({"identity": {"internal": zero}})).org == 0
    with pytest.raises(Unauthorized, match=r"^error retrieving requester org_id from token"):
        XrhAuthenticator().identify(header({"identity": zero}))


def test_null_leaves_an_equal_name_before_it_alone() -> None:
    document = {"identity": {"org_id": "101", "ORG_ID": None}}
    assert XrhAuthenticator().identify(header(document)).org == 101


def test_without_organization_the_error_names_the_user() -> None:
    document = {"identity": {"account_number": "54321", "user": {"username": "n", "email": "e"}}}
    with pytest.raises(Unauthorized) as caught:
        XrhAuthenticator().identify(header(document))
    assert str(caught.value) == (
        "error retrieving requester org_id from token. account_number [54321], "
        "user data [{Username:n Email:e UserID:}]"
    )


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def config(tmp_path: Path, key: rsa.RSAPrivateKey, **changes: Any) -> ServerConfig:
    file = tmp_path / "key.pem"
    file.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return ServerConfig(auth=True, auth_type="jwt", jwt_key_file=str(file), **changes)


def bearer(claims: dict[str, Any], key: Any, algorithm: str = "RS256", **headers: Any) -> Any:
    token = jwt.encode(claims, key, algorithm=algorithm, headers=headers or None)
    return {"Authorization": f"Bearer {token}"}


CLAIMS = {"identity": {"org_id": "101"}}


def test_a_token_with_the_right_signature_is_believed(
    tmp_path: Path, key: rsa.RSAPrivateKey
) -> None:
    verifier = JwtAuthenticator(config(tmp_path, key))
    assert verifier.identify(bearer(CLAIMS, key)).org == 101


def test_a_token_signed_by_another_key_is_not(tmp_path: Path, key: rsa.RSAPrivateKey) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with pytest.raises(Unauthorized):
        JwtAuthenticator(config(tmp_path, key)).identify(bearer(CLAIMS, other))


def test_the_token_does_not_choose_the_algorithm(tmp_path: Path, key: rsa.RSAPrivateKey) -> None:
    verifier = JwtAuthenticator(config(tmp_path, key))
    for forged in (bearer(CLAIMS, None, "none"), bearer(CLAIMS, "x" * 64, "HS256")):
        with pytest.raises(Unauthorized):
            verifier.identify(forged)


def test_an_expired_token_is_refused(tmp_path: Path, key: rsa.RSAPrivateKey) -> None:
    with pytest.raises(Unauthorized):
        JwtAuthenticator(config(tmp_path, key)).identify(bearer({**CLAIMS, "exp": 1}, key))


def test_a_key_set_is_searched_by_key_id(tmp_path: Path, key: rsa.RSAPrivateKey) -> None:
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [{**public, "kid": "one", "alg": "RS256"}]}))
    verifier = JwtAuthenticator(ServerConfig(auth=True, auth_type="jwt", jwt_jwks_file=str(file)))
    assert verifier.identify(bearer(CLAIMS, key, kid="one")).org == 101
    with pytest.raises(Unauthorized):
        verifier.identify(bearer(CLAIMS, key, kid="two"))


def test_jwt_without_a_key_is_a_mistake_of_configuration() -> None:
    with pytest.raises(ConfigError, match=r"server\.jwt_key_file"):
        authenticator(ServerConfig(auth=True, auth_type="jwt"))


def test_without_auth_nobody_is_asked() -> None:
    assert authenticator(ServerConfig(auth=False, auth_type="jwt")) is None


FLAT = {"account_number": "5213476", "org_id": "1234"}


def test_the_flat_claims_of_2020_are_taken(tmp_path: Path, key: rsa.RSAPrivateKey) -> None:
    assert JwtAuthenticator(config(tmp_path, key)).identify(bearer(FLAT, key)).org == 1234


@pytest.mark.parametrize(
    ("options", "claims", "right"),
    [
        ({"jwt_audience": "us"}, {"aud": "us"}, True),
        ({"jwt_audience": "us"}, {"aud": "them"}, False),
        ({"jwt_audience": "us"}, {}, False),
        ({"jwt_issuer": "me"}, {"iss": "me"}, True),
        ({"jwt_issuer": "me"}, {}, False),
        ({"jwt_require_exp": True}, {}, False),
        ({"jwt_require_exp": True}, {"exp": 2**33}, True),
        ({}, {"aud": "anybody", "iss": "anybody"}, True),
        ({}, {"exp": 1}, False),
        ({"jwt_leeway": 3600.0 * 24 * 365 * 200}, {"exp": 1}, True),
    ],
)
def test_claims_beside_the_identity(
    tmp_path: Path, key: rsa.RSAPrivateKey, options: Any, claims: Any, right: bool
) -> None:
    verifier = JwtAuthenticator(config(tmp_path, key, **options))
    if right:
        assert verifier.identify(bearer(FLAT | claims, key)).org == 1234
    else:
        with pytest.raises(Unauthorized, match=r"^Malformed authentication token$"):
            verifier.identify(bearer(FLAT | claims, key))


@pytest.mark.parametrize("claims", [{"exp": float("inf")}, {"nbf": float("nan")}, {"x": 10**4000}])
def test_odd_numbers_in_claims_raise_nothing_else(
    tmp_path: Path, key: rsa.RSAPrivateKey, claims: Any
) -> None:
    verifier = JwtAuthenticator(config(tmp_path, key))
    with contextlib.suppress(Unauthorized):
        verifier.identify(bearer(FLAT | claims, key))


@pytest.mark.parametrize("token", ["\ud800", "\xff.\xff.\xff", "a.b.c", "." * 5000])
def test_a_token_that_is_none_is_malformed(
    tmp_path: Path, key: rsa.RSAPrivateKey, token: str
) -> None:
    with pytest.raises(Unauthorized, match=r"^Malformed authentication token$"):
        JwtAuthenticator(config(tmp_path, key)).identify({"Authorization": f"Bearer {token}"})


def _jwks(file: Path, **keys: rsa.RSAPrivateKey) -> None:
    found = [
        json.loads(RSAAlgorithm.to_jwk(one.public_key())) | {"kid": kid, "alg": "RS256"}
        for kid, one in keys.items()
    ]
    file.write_text(json.dumps({"keys": found}))


def test_key_sets_are_read_again_and_a_broken_file_keeps_the_keys(
    tmp_path: Path, key: rsa.RSAPrivateKey, caplog: pytest.LogCaptureFixture
) -> None:
    file, other = tmp_path / "keys.json", rsa.generate_private_key(65537, 2048)
    _jwks(file, old=key)
    verifier = JwtAuthenticator(ServerConfig(auth=True, auth_type="jwt", jwt_jwks_file=str(file)))
    assert verifier.identify(bearer(FLAT, key, kid="old")).org == 1234
    for broken in ("{", "{", '{"keys": []}'):
        file.write_text(broken)
        verifier.keys.refresh()
    assert verifier.identify(bearer(FLAT, key, kid="old")).org == 1234
    assert len({record.message for record in caplog.records}) == len(caplog.records) > 0
    _jwks(file, new=other)
    verifier.keys.refresh()
    assert verifier.identify(bearer(FLAT, other, kid="new")).org == 1234
    with pytest.raises(Unauthorized):
        verifier.identify(bearer(FLAT, key, kid="old"))


def test_a_token_without_kid_may_be_signed_by_any_key_of_the_set(tmp_path: Path) -> None:
    keys = [rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(3)]
    known = [
        json.loads(RSAAlgorithm.to_jwk(key.public_key())) | {"kid": str(number), "alg": "RS256"}
        for number, key in enumerate(keys[:2])
    ]
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"keys": known}))
    verifier = JwtAuthenticator(ServerConfig(auth=True, auth_type="jwt", jwt_jwks_file=str(file)))
    for key in keys[:2]:
        assert verifier.identify({"Authorization": f"Bearer {jwt.encode(FLAT, key, 'RS256')}"})
    with pytest.raises(Unauthorized):
        verifier.identify({"Authorization": f"Bearer {jwt.encode(FLAT, keys[2], 'RS256')}"})
