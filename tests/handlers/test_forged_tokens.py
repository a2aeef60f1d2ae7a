"""Tokens that nobody with the key has signed, or that are not valid now: each is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from aggregator.config.options import ServerConfig
from aggregator.errors import Unauthorized
from aggregator.handlers.auth import JwtAuthenticator

CLAIMS = {"identity": {"org_id": "101"}}
KEY, OTHER = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
PEM = KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)
JWK: dict[str, Any] = {**json.loads(RSAAlgorithm.to_jwk(KEY.public_key())), "kid": "one"}
JWKS = json.dumps({"keys": [JWK]})
FOREIGN_JWK = json.loads(RSAAlgorithm.to_jwk(OTHER.public_key()))
NOW = time.time()


def part(value: Any) -> str:
    """Return a part of a token."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unsigned(header: dict[str, Any], signature: bytes = b"") -> str:
    """Return a token with any bytes for a signature."""
    return f"{part(header)}.{part(CLAIMS)}.{part(signature)}"


def by_hmac(header: dict[str, Any], key: bytes) -> str:
    """Return a token signed with bytes that everybody knows."""
    text = f"{part(header)}.{part(CLAIMS)}"
    return f"{text}.{part(hmac.new(key, text.encode(), hashlib.sha256).digest())}"


def signed(claims: Any = CLAIMS, key: Any = KEY, **header: Any) -> str:
    """Return a token signed with a private key."""
    return jwt.encode(claims, key, "RS256", headers=header)


def forged() -> Iterator[tuple[str, str]]:
    """Yield a name and a token."""
    for algorithm in ("none", "None", "nOnE", "", None, ["none"], 0, "RS256", "HS256", "rs256"):
        yield f"unsigned, alg {algorithm!r}", unsigned({"alg": algorithm})
    # the public key as the secret of an HMAC
    for key in (PEM, PEM.strip(), JWK["n"].encode(), json.dumps(JWK).encode(), JWKS.encode(), b""):
        yield f"HS256 with {key[:20]!r}", by_hmac({"alg": "HS256"}, key)
        yield f"HS256 and kid with {key[:20]!r}", by_hmac({"alg": "HS256", "kid": "one"}, key)
        yield f"RS256 with {key[:20]!r}", by_hmac({"alg": "RS256"}, key)
    for kid in ("../../../../dev/null", "/dev/null", "' OR 1=1", "", [], {}, 0, None, "one\0"):
        yield f"kid {kid!r}", by_hmac({"alg": "HS256", "kid": kid}, b"")
    # keys that the token brings with it
    for header in (
        {"jwk": FOREIGN_JWK}, {"jku": "http://127.0.0.1:1/keys"}, {"x5u": "http://127.0.0.1:1/"},
        {"x5c": ["MIIB"]}, {"kid": "one", "jwk": FOREIGN_JWK}, {"zip": "DEF"}, {"cty": "JWT"},
    ):  # fmt: skip
        yield f"other key with {sorted(header)}", signed(key=OTHER, **header)
    # extensions that must be understood
    yield "critical", signed(crit=["x"], x=1)
    head, claims, signature = signed().split(".")
    yield "other claims", f"{head}.{part({'identity': {'org_id': '102'}})}.{signature}"
    yield "cut", f"{head}.{claims}.{signature[:-4]}"
    yield "two parts", f"{head}.{claims}"
    yield "empty signature", f"{head}.{claims}."
    yield "four parts", f"{head}.{claims}.{signature}.x"
    # a signature of zeros, which some libraries took for any key of an elliptic curve
    yield "zeros", unsigned({"alg": "ES256"}, bytes(64))
    for at, times in enumerate(
        (
            {"exp": NOW - 10}, {"exp": -1}, {"exp": None}, {"exp": [1]}, {"exp": "x"},
            {"exp": float("nan")}, {"exp": float("-inf")}, {"exp": -(10**400)}, {"exp": True},
            {"nbf": NOW + 1000}, {"nbf": float("inf")}, {"nbf": "x"}, {"iat": NOW + 1000},
        )
    ):  # fmt: skip
        yield f"time {at} {list(times)}", signed({**CLAIMS, **times})


@pytest.fixture(params=["key", "key, HS256 allowed", "key set", "key set, HS256 allowed"])
def verifier(request: pytest.FixtureRequest, tmp_path: Path) -> JwtAuthenticator:
    """Verify with one key or a set, also where an HMAC is allowed beside it."""
    file = tmp_path / "keys"
    if "set" in request.param:
        file.write_text(JWKS)
        options: dict[str, Any] = {"jwt_jwks_file": str(file)}
    else:
        file.write_bytes(PEM)
        options = {"jwt_key_file": str(file)}
    if "HS256" in request.param:
        options["jwt_algorithms"] = ("RS256", "HS256", "ES256")
    return JwtAuthenticator(ServerConfig(auth=True, auth_type="jwt", **options))


def test_only_what_the_key_has_signed_is_believed(verifier: JwtAuthenticator) -> None:
    assert verifier.identify({"Authorization": f"Bearer {signed()}"}).org == 101
    huge = signed({**CLAIMS, "exp": 10**400})
    assert verifier.identify({"Authorization": f"Bearer {huge}"}).org == 101
    believed = []
    for name, token in forged():
        try:
            verifier.identify({"Authorization": f"Bearer {token}"})
        except Unauthorized:
            continue
        believed.append(name)
    assert believed == []
