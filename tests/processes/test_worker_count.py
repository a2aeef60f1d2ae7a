"""How many processes serve: what is asked for, or one for each core of the container's share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from aggregator.config.options import Config, ServerConfig, StorageConfig
from aggregator.errors import ConfigError
from aggregator.processes.workers import available_cores, wanted


def test_a_database_in_memory_is_not_shared() -> None:
    config = replace(Config(), server=ServerConfig(workers=2))
    with pytest.raises(ConfigError, match=r"server\.workers: 2 processes"):
        wanted(config)


@pytest.mark.parametrize(
    ("asked", "driver", "processes"),
    [(0, "postgres", 3), (0, "sqlite3", 1), (1, "postgres", 1), (6, "postgres", 6)],
)
def test_as_many_as_asked_for_or_one_a_core(asked: int, driver: str, processes: int) -> None:
    storage = StorageConfig(db_driver=driver, sqlite_datasource="a.db")
    config = Config(
        server=ServerConfig(workers=asked),
        ocp_recommendations_storage=storage,
        dvo_recommendations_storage=storage,
    )
    assert wanted(config, cores=3) == processes


@pytest.mark.parametrize("text", ["50000 100000", "100000 100000", "199999 100000"])
def test_a_container_with_a_share_of_a_core_has_one(tmp_path: Path, text: str) -> None:
    (tmp_path / "cpu.max").write_text(text)
    assert available_cores(tmp_path) == 1


@pytest.mark.parametrize("folder", ["cpu", "cpu,cpuacct"])
def test_a_quota_of_cgroup_version_1_counts(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "cpu.cfs_quota_us").write_text("100000\n")
    (tmp_path / folder / "cpu.cfs_period_us").write_text("100000\n")
    assert available_cores(tmp_path) == 1


def test_without_a_quota_all_cores_count(tmp_path: Path) -> None:
    all_cores = available_cores(tmp_path / "missing")
    (tmp_path / "cpu").mkdir()
    for text in ("-1", "", "some", "0"):
        (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(text)
        (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000")
        assert available_cores(tmp_path) == all_cores
    (tmp_path / "cpu.max").write_text("max 100000")
    assert available_cores(tmp_path) == all_cores
