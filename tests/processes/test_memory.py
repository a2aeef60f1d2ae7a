"""The settings of the process's memory, in a process of their own."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

GARBAGE = """
import gc, json
from aggregator.processes.memory import spare_what_stays
kept = [[] for _ in range(1000)]
spare_what_stays()
print(json.dumps({"frozen": gc.get_freeze_count(), "young": gc.get_threshold()[0]}))
"""
BLOCKS = """
import json
from pathlib import Path
from aggregator.processes.memory import give_back_large_blocks

def resident():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))

if GIVE_BACK:
    give_back_large_blocks()
# a large block is freed, so the threshold would be its size from now on
bytearray(30 << 20)
before = resident()
blocks = [bytearray(1 << 20) for _ in range(60)]
# this one keeps the end of the heap
last = bytearray(1 << 20)
del blocks
print(json.dumps({"kept": resident() - before}))
"""

HEAP = """
import json
from aggregator.processes.memory import HeapTrimmer, resident
trimmer = HeapTrimmer()
trimmer.look()
before = resident()
blocks = [bytearray(64 << 10) for _ in range(1000)]
kept = blocks[::50]
del blocks
after = resident()
if TRIM:
    trimmer.look()
print(json.dumps({"grown": after - before, "kept": resident() - before}))
"""

LOADED = """
import json, sys
import aggregator.service
print(json.dumps(dict.fromkeys(sys.modules, 1)))
"""


def told(program: str) -> dict[str, int]:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    found: dict[str, int] = json.loads(done.stdout)
    return found


def test_what_is_there_is_looked_at_no_more() -> None:
    found = told(GARBAGE)
    assert found["frozen"] > 1000
    assert found["young"] == 20_000


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and glibc")
def test_large_blocks_are_given_back() -> None:
    kept = {give: told(BLOCKS.replace("GIVE_BACK", give))["kept"] for give in ("True", "False")}
    assert kept["True"] < 10_000 < kept["False"]


def test_what_a_service_on_sql_does_not_need_is_not_loaded():
    program = (
        "import json, sys, aggregator.service; print(json.dumps(dict.fromkeys(sys.modules, 1)))"
    )
    loaded = set(told(program))
    assert "sqlalchemy" in loaded
    assert loaded.isdisjoint({"redis", "jsonschema", "jsonschema_rs", "jwt", "boto3", "rich"})


@pytest.mark.parametrize("trim", [True, False])
def test_freed_pieces_between_used_ones_are_given_back(trim: bool) -> None:
    found = told(HEAP.replace("TRIM", str(trim)))
    assert found["grown"] > 30 << 20
    assert (found["kept"] < 10 << 20) == trim
