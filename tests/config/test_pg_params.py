"""The text of `pg_params`: which parameters it gives, and what is refused in one line."""

from __future__ import annotations

import pytest

from aggregator.config.pg_params import (
    Host,
    hosts,
    masked,
    parse,
    server_settings,
)
from aggregator.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("sslmode=disable", {"sslmode": "disable"}),
        ("&sslmode=disable&&connect_timeout=5&", {"sslmode": "disable", "connect_timeout": "5"}),
        ("sslmode=disable connect_timeout=5", {"sslmode": "disable", "connect_timeout": "5"}),
        ("options=-c geqo=off -c  work_mem=8MB", {"options": "-c geqo=off -c  work_mem=8MB"}),
        ("options=-c%20geqo%3Doff", {"options": "-c geqo=off"}),
        ("options='-c geqo=off' geqo=on", {"options": "-c geqo=off", "geqo": "on"}),
        (r"application_name='it\'s \\ &'", {"application_name": "it's \\ &"}),
        ("application_name=two+words&a=b", {"application_name": "two words", "a": "b"}),
        ("timezone=Etc/GMT%2B1", {"timezone": "Etc/GMT+1"}),
        ("tz=UTC&database=d", {"timezone": "UTC", "dbname": "d"}),
        ("search_path='$user',public", {"search_path": "'$user',public"}),
        ('search_path="$user",public', {"search_path": '"$user",public'}),
        ("sslcert=/a%20b/c.pem", {"sslcert": "/a b/c.pem"}),
        ("sslmode=&sslmode=require&sslmode=disable", {"sslmode": "require"}),
        ("sslrootcert=system", {"sslrootcert": "system", "sslmode": "verify-full"}),
        ("a.b=1", {"a.b": "1"}),
        ("x=a=b", {"x": "a=b"}),
    ],
)
def test_parameters_are_read_as_a_url_or_as_libpq_keywords(
    text: str, expected: dict[str, str]
) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sslmode", "sslmode: has no value, sslmode=value expected"),
        ("=x", "name=value expected, joined by '&'"),
        ("sslmode=verify_full", "sslmode: disable or allow or "),
        ("sslmode=disable%00", "sslmode: text without NUL bytes expected"),
        ("target_session_attrs=master", "target_session_attrs: any or read-write or "),
        ("connect_timeout=5s", "connect_timeout: a whole number expected, not '5s'"),
        ("keepalives_idle=", None),
        ("sslinline=maybe", "sslinline: 1 or 0 expected, not 'maybe'"),
        ("client_encoding=LATIN1", "client_encoding: UTF8 expected, not 'LATIN1'"),
        ("datestyle=German", "datestyle: ISO, MDY expected, not 'German'"),
        ("gssencmode=require", "gssencmode: disable or prefer expected, not 'require'"),
        ("channel_binding=require", "channel_binding: disable or prefer expected"),
        ("krbspn=postgres/db", "krbspn: is not supported; "),
        ("require_auth=scram-sha-256", "require_auth: is not supported; "),
        ("port=0", "port: a port, or several with commas, expected, not '0'"),
        ("port=5432,x", "port: a port, or several with commas, expected"),
        ("options=100%", "options: '%' must be written as %25"),
        ("sslrootcert=system&sslmode=require", "sslrootcert: 'system' needs sslmode=verify-full"),
        ("sslnegotiation=direct", "sslnegotiation: 'direct' needs sslmode=require or more"),
        ("sslsni=0&sslmode=verify-full", "sslsni: 0 does not go with sslmode=verify-full"),
        ("sslinline=1&sslcert=PEM", "sslkey: is missing beside sslcert with sslinline"),
        ("1=2", "1: a parameter's name is letters"),
    ],
)
def test_a_wrong_parameter_is_named(text: str, message: str | None) -> None:
    if message is None:
        assert parse(text) == {}
        return
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_what_is_no_parameter_of_the_connection_is_set_by_the_server() -> None:
    given = parse("sslmode=disable&statement_timeout=5s&fallback_application_name=f&host=h")
    assert server_settings(given) == {"statement_timeout": "5s", "application_name": "f"}
    given = parse("application_name=a&fallback_application_name=f")
    assert server_settings(given) == {"application_name": "a"}


@pytest.mark.parametrize(
    "text",
    [
        "password=SECRET",
        "sslmode=require&sslpassword=SECRET&connect_timeout=1",
        "password='with SECRET' sslmode=disable",
        "pass%77ord=SECRET",
        "sslinline=1&sslcert=PEM&sslkey=SECRET",
        "sslinline=true sslcert=PEM sslkey='SECRET KEY'",
        "password=SECRET&broken",
        "broken=%zz&sslkey=SECRET",
        "password = SECRET",
    ],
)
def test_secrets_are_masked(text: str) -> None:
    assert "SECRET" not in masked(text)
    assert "KEY" not in masked(text)
    assert "***" in masked(text)


def test_nothing_else_is_masked() -> None:
    text = "sslmode=verify-full&sslkey=/keys/client.key&passfile=/etc/pgpass"
    assert masked(text) == text


@pytest.mark.parametrize(
    ("names", "ports", "addresses", "expected"),
    [
        ("", "5432", "", [Host("localhost", "localhost", 5432)]),
        ("a", "1", "", [Host("a", "a", 1)]),
        ("a,b", "1", "", [Host("a", "a", 1), Host("b", "b", 1)]),
        ("a, b", "1,2", "", [Host("a", "a", 1), Host("b", "b", 2)]),
        ("a,", ",2", "", [Host("a", "a", 5432), Host("localhost", "localhost", 2)]),
        ("::1", "1", "", [Host("::1", "::1", 1)]),
        ("[::1],[fe80::1]", "1", "", [Host("::1", "::1", 1), Host("fe80::1", "fe80::1", 1)]),
        ("/run/postgresql", "1", "", [Host("/run/postgresql", "/run/postgresql", 1)]),
        ("a", "1", "10.0.0.1", [Host("a", "10.0.0.1", 1)]),
        ("", "1", "10.0.0.1,::1", [Host("localhost", "10.0.0.1", 1), Host("localhost", "::1", 1)]),
    ],
)
def test_hosts_are_paired_with_ports_and_addresses(
    names: str, ports: str, addresses: str, expected: list[Host]
) -> None:
    assert list(hosts(names, ports, addresses)) == expected


@pytest.mark.parametrize(
    ("names", "ports", "addresses", "message"),
    [
        ("a,b,c", "1,2", "", "2 ports for 3 hosts"),
        ("a,b", "1", "10.0.0.1", "hostaddr: 1 addresses for 2 hosts"),
        ("db:5432", "1", "", "host 'db:5432': a name without port expected"),
        ("@abstract", "1", "", "host '@abstract': abstract sockets are not supported"),
        ("a", "1", "b", "hostaddr 'b': an IP address expected"),
    ],
)
def test_hosts_that_cannot_be_are_named(
    names: str, ports: str, addresses: str, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        hosts(names, ports, addresses)
    assert str(caught.value).startswith(message)
