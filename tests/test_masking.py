"""Which secrets are masked, by name and by shape, and what is left as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from aggregator.config.loading import PREFIX
from aggregator.masking import mask_text, mask_variable
from tests.program import command

SECRET = "hunter2"
BY_NAME = [
    "PGPASSWORD", "DB_PWD", "MYSQL_PASS", "REDIS_KEY", "KEY", "AWS_SECRET_ACCESS_KEY", "API_KEYS",
    "GITHUB_TOKEN", "SENTRY_DSN", "SASL_PASSPHRASE", "MY_CREDENTIALS", "APIKEY", "SESSION_COOKIE",
    "DB_PW", "BASIC_AUTH", "DOCKER_AUTH_CONFIG", "GH_PAT", "DB_CREDS", "S3KEY", "API-KEY", "KEY1",
    "JWT", "AZURE_CONNECTION_STRING", "SLACK_WEBHOOK",
]  # fmt: skip
BY_SHAPE = [
    "https://user:hunter2@host/path",
    "http://user:hunter2@proxy:3128",
    "user:hunter2@proxy:3128",
    "https://hunter2@sentry.example/4",
    "postgresql://user:hun/ter2@hunter2@host/db",
    "redis://:hunter2@redis:6379/0",
    "http://a:hunter2@b,http://c:hunter2@d",
    "host=localhost password=hunter2 dbname=a",
    "sslmode=disable&password=hunter2&x=1",
    "host=a password = 'hunter2' user=b",
    "sslpassword=hunter2",
    "AccountKey=hunter2;EndpointSuffix=core",
    '{"user": "u", "password": "hunter2", "port": 1}',
    '{"saslPassword":"hun\\"hunter2"}',
    "{'aws_secret_key': 'hunter2'}",
    "password:hunter2",
    "Authorization: Bearer hunter2.abc.def",
    "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\nhunter2",
    "-----BEGIN PGP PRIVATE KEY BLOCK-----\nhunter2",
    '{"config": "{\\"password\\": \\"hunter2\\"}"}',
    '{"auths": {"registry": {"auth": "hunter2"}}}',
    '[{"name": "DB_PASSWORD", "value": "hunter2"}]',
    '{"kafka":{"brokers":[{"sasl":{"username":"u","password":"hunter2"}}]}}',
    "database:\n  password: hunter2\n  port: 1",
    "secret: |\n  hunter2 and more",
    "<password>hunter2</password>",
    "psql --password hunter2",
    "curl -u user:hunter2 https://host",
    "machine host login user password hunter2",
    "options=-c%20x.password%3Dhunter2",
    "https://host/?sig=hunter2",
    "https://hooks.slack.com/services/T0/B0/hunter2",
    "Cookie: session=hunter2",
    "X-Api-Key: hunter2",
    "Authorization: token hunter2",
]
ORDINARY = [
    ("PWD", "/home/user"),
    ("OLDPWD", "/"),
    ("SERVER__JWT_KEY_FILE", "/etc/keys/jwt.pem"),
    ("HTTP_PROXY", "http://proxy:3128"),
    ("DATABASE_URL", "postgresql://user@host:5432/db"),
    ("KAFKA", "kafka-a:9092,kafka-b:9093"),
    ("KEYBOARD", "us"),
    ("MONKEY", "ape"),
    ("TEXT", "redis.password: a text expected, not ***"),
    ("MAIL", "someone@example.com"),
    ("SSH_AUTH_SOCK", "/run/agent"),
    ("XDG_SESSION_TYPE", "tty"),
    ("AUTHOR", "ann"),
    ("TEXT", "the token: it is not valid"),
]


@pytest.mark.parametrize("name", BY_NAME)
def test_a_secret_is_masked_by_its_name(name: str) -> None:
    assert mask_variable(name, SECRET) == "***"
    assert mask_variable(name, "") == ""


@pytest.mark.parametrize("text", BY_SHAPE)
def test_a_secret_is_masked_by_its_shape(text: str) -> None:
    masked = mask_text(text)
    assert SECRET not in masked
    assert "***" in masked


@pytest.mark.parametrize(("name", "value"), ORDINARY)
def test_what_is_no_secret_is_left_as_it_is(name: str, value: str) -> None:
    assert mask_variable(name, value) == value


@pytest.mark.parametrize(
    "piece",
    [
        "x",
        "a.",
        "a-",
        "a:",
        "a://b:",
        "'",
        '"password',
        "password",
        "password=",
        "eyJ-",
        "@",
        " ",
        "password: ",
        "-password ",
        "password:\n ",
        "-u ",
        '\\"password',
        '"name":"',
        "<password",
        "login x password",
        "cookie: ",
    ],
)
def test_long_text_is_masked_in_linear_time(piece: str) -> None:
    """With quadratic work this would take minutes."""
    assert mask_text(piece * 20_000)
    assert mask_text(piece * 2_000 + "@")


def test_print_env_shows_no_secret(tmp_path: Path) -> None:
    env = dict.fromkeys(BY_NAME, SECRET)
    env |= {f"SHAPE_{number}": text for number, text in enumerate(BY_SHAPE)}
    env |= {
        f"{PREFIX}OCP_RECOMMENDATIONS_STORAGE__PG_PARAMS": "sslpassword=hunter2&sslmode=require",
        f"{PREFIX}REDIS__PASSWORD": SECRET,
        f"{PREFIX}REDIS__PASSWORD2": SECRET,
        f"{PREFIX}SERVER__AUTH": "true",
        "LINES": "a\nFORGED=1\x1b[2J",
        "LATIN": "caf\udce9",
    }
    ended = command("print-env", folder=tmp_path, env=env)
    unknown = "configuration: environment: unknown key 'redis.password2'\n"
    assert (ended.returncode, ended.stderr) == (0, unknown)
    assert SECRET not in ended.stdout
    assert "sslmode=require" in ended.stdout
    assert "SERVER__AUTH=true" in ended.stdout
    assert "LINES=a\\nFORGED=1\\x1b[2J\n" in ended.stdout
    assert "LATIN=caf\\udce9\n" in ended.stdout


@pytest.mark.parametrize("content", ['{"database": {"password": "hunter2"', "/absent/"])
def test_the_content_of_clowder_s_file_in_its_place_is_not_shown(
    tmp_path: Path, content: str
) -> None:
    """A deployment may put the document where its path belongs."""
    ended = command("help", folder=tmp_path, env={"ACG_CONFIG": content + "x" * 5000})
    assert ended.returncode == 2
    assert ended.stderr.startswith("configuration: ACG_CONFIG: cannot read")
    assert SECRET not in ended.stderr
