"""`convert-config` keeps what a configuration says, to YAML and back for the Go service."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import tomllib
from pathlib import Path

import pytest

from aggregator.config.loading import FILE_VARIABLE, PREFIX, load
from aggregator.config.options import Config
from tests.program import GOLDEN, command

OF_2020 = """
[broker]
address = "a:1"
enable_org_whitelist = true
save_offset = true
[processing]
org_whitelist_file = "list.csv"
[storage]
db_driver = "postgres"
pg_host = "db"
pg_port = "5433"
pg_password = "p\'\\"$x #1\\u007f\u010d"
"""
OURS = """
broker: {addresses: [a:1, b:2], timeout: 90s, batch_wait: 20ms, enabled: yes, sasl_password: s}
server: {workers: 2, request_timeout: 2.5, jwt_algorithms: [RS256, ES256]}
dvo_recommendations_storage: {pg_host: "a,b", pg_port: "5432,5433", pg_db_name: d}
storage_backend: {use: dvo_recommendations}
"""


def meaning(file: Path, **environ: str) -> Config:
    """Return what the file and the environment say, without how it was said."""
    loaded = load({FILE_VARIABLE: str(file), **environ}, file.parent)
    # `migration` alone asks whether the backend was given
    return dataclasses.replace(
        loaded, warnings=(), retired=(), notices=(), origins=(), backend_given=False
    )


def source(folder: Path, text: str) -> Path:
    file = folder / ("source.yaml" if text is OURS else "source.toml")
    file.write_text(text)
    return file


GOLDEN_CONFIG = (GOLDEN / "config.toml").read_text()


@pytest.mark.parametrize("text", [GOLDEN_CONFIG, OF_2020, OURS], ids=["go", "2020", "ours"])
def test_yaml_says_what_the_source_says(text: str, tmp_path: Path) -> None:
    file, target = source(tmp_path, text), tmp_path / "config.yaml"
    ended = command("convert-config", str(file), "--output", str(target), folder=tmp_path)
    assert (ended.returncode, ended.stdout) == (0, "")
    assert meaning(target) == meaning(file)
    assert target.stat().st_mode & 0o777 == 0o600
    assert ("'broker.save_offset' is retired" in ended.stderr) == (text is OF_2020)


def test_the_environment_of_the_go_service_becomes_yaml(tmp_path: Path) -> None:
    env = {
        f"{PREFIX}BROKER__ADDRESSES": "a:1,b:2",
        f"{PREFIX}DVO_RECOMMENDATIONS_STORAGE__PG_HOST": "db",
        f"{PREFIX}SERVER__DEBUG": "t",
    }
    ended = command("convert-config", folder=tmp_path, env=env)
    assert ended.stdout == (
        'broker:\n  addresses: ["a:1", "b:2"]\nserver:\n  debug: true\n'
        'ocp_recommendations_storage:\n  type: ""\n'
        'dvo_recommendations_storage:\n  db_driver: "postgres"\n  pg_host: "db"\n'
    )


@pytest.mark.parametrize("text", [GOLDEN_CONFIG, OF_2020, OURS], ids=["go", "2020", "ours"])
def test_toml_for_the_go_service_has_every_option_it_knows(text: str, tmp_path: Path) -> None:
    file, target = source(tmp_path, text), tmp_path / "config.toml"
    ended = command(
        "convert-config", str(file), "--to", "toml", "--output", str(target), folder=tmp_path
    )
    assert ended.returncode == 0
    document = tomllib.loads(target.read_text())
    assert set(document["broker"]) > {"addresses", "timeout", "client_id", "cert_path"}
    known, before = meaning(target), meaning(file)
    for section, pairs in document.items():
        for key in pairs:
            assert getattr(getattr(known, section), key) == getattr(getattr(before, section), key)
    assert ("server.workers: the Go service has no such option" in ended.stderr) == (text is OURS)
    assert document["broker"]["timeout"] == ("90s" if text is OURS else "0s")


def test_the_environment_for_the_go_service_is_for_a_shell(tmp_path: Path) -> None:
    file = source(tmp_path, OF_2020)
    ended = command("convert-config", str(file), "--to", "env", folder=tmp_path)
    shell = f"set -a; {ended.stdout}\nenv -0"
    shown = subprocess.run(
        ["bash", "-c", shell], capture_output=True, check=True, env={"PATH": os.environ["PATH"]}
    )
    environ = dict(
        line.split("=", 1) for line in shown.stdout.decode().split("\0") if PREFIX in line
    )
    empty = tmp_path / "empty.toml"
    empty.write_text("")
    assert meaning(empty, **environ) == meaning(file)


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    file = source(tmp_path, OURS)
    ended = command("convert-config", str(file), "--output", "/no/such/x", folder=tmp_path)
    assert ended.returncode == 1
    assert ended.stderr == "convert-config: cannot write '/no/such/x': No such file or directory\n"
