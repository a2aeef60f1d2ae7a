"""Data sets are the same for the same values, of the size asked for, and broken as asked for."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from aggregator.ingest.decode.dvo import DvoDecoder
from aggregator.ingest.decode.message import Decoder, InvalidMessage
from aggregator.ingest.decode.ocp import OcpDecoder
from testing import fixtures
from testing.fixtures import DataSet, shipped_messages
from testing.invalid_messages import FAULTS, broken

DECODERS: dict[str, Decoder] = {
    "ocp": OcpDecoder(None, 1 << 26, "default"),
    "dvo": DvoDecoder(None, 1 << 26, "default"),
}
# what each kind of refusal is called by ingest
KINDS_OF_REFUSAL = {
    "json", "type", "missing_attribute", "cluster", "gzip", "gathering_time", "last_checked",
    "organization", "structure", "nul",
}  # fmt: skip
EVERY_FAULT = [(kind, fault) for kind, faults in FAULTS.items() for fault in faults]


def _refusal(kind: str, value: bytes) -> str:
    with pytest.raises(InvalidMessage) as caught:
        DECODERS[kind].decode(value)
    return caught.value.kind


def test_the_same_values_give_the_same_bytes_on_every_python() -> None:
    digest = hashlib.sha256()
    for made in DataSet(seed=3, kinds=("ocp", "dvo"), clusters=80, bad=1.0):
        digest.update(made.value + b"\n")
    assert digest.hexdigest() == (
        "6044dea627f2d8b9e255a1fa37ad9097b9568024c6ae7b02d26fe37f8f72e037"
    )


def test_another_seed_gives_other_messages() -> None:
    assert list(DataSet(seed=1, clusters=5)) != list(DataSet(seed=2, clusters=5))


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 1.0])
def test_the_share_of_broken_messages_is_exact(share: float) -> None:
    data = DataSet(kinds=("ocp", "dvo"), clusters=150, bad=share)
    made = list(data)
    assert len(made) == len(data)
    assert sum(bool(one.fault) for one in made) == 2 * int(150 * share)
    assert sum(not one.fault for one in made) == 300


def test_every_good_message_is_accepted() -> None:
    for made in DataSet(kinds=("ocp", "dvo"), clusters=100):
        assert DECODERS[made.kind].decode(made.value).report is not None


@pytest.mark.parametrize(("kind", "fault"), EVERY_FAULT)
def test_every_fault_is_refused(kind: str, fault: str) -> None:
    # a line feed would make two lines of it
    (good,) = DataSet(kinds=(kind,), clusters=1)
    bad = broken(kind, fault, good.value)
    assert _refusal(kind, bad) in KINDS_OF_REFUSAL
    assert b"\n" not in bad


@pytest.mark.parametrize("kind", ["ocp", "dvo"])
def test_the_faults_are_of_every_kind_of_refusal(kind: str) -> None:
    (good,) = DataSet(kinds=(kind,), clusters=1)
    met = {_refusal(kind, broken(kind, fault, good.value)) for fault in FAULTS[kind]}
    assert met == KINDS_OF_REFUSAL


def test_all_faults_take_their_turn() -> None:
    made = DataSet(clusters=2 * len(FAULTS["ocp"]), bad=1.0)
    assert Counter(one.fault for one in made if one.fault) == dict.fromkeys(FAULTS["ocp"], 2)


def test_the_faults_can_be_chosen() -> None:
    made = DataSet(clusters=4, bad=1.0, faults=("nothing", "cut_short"))
    assert [one.fault for one in made if one.fault] == ["cut_short", "nothing"] * 2
    with pytest.raises(ValueError, match="no message of kind dvo has 'system_absent'"):
        DataSet(kinds=("dvo",), faults=("system_absent",))


def test_a_large_fleet_is_made_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fixtures, "FLEET", 40)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    made = [json.loads(one.value) for one in DataSet(clusters=100, rounds=2, organizations=4)]
    assert len({message["ClusterName"] for message in made}) == 100
    assert {message["OrgID"] for message in made} == {1001, 1002, 1003, 1004}
    times = [datetime.fromisoformat(message["LastChecked"]) for message in made]
    assert times == [start + timedelta(seconds=number) for number in range(200)]


def test_no_piece_is_like_another_whatever_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fixtures, "FLEET", 2)
    data = [DataSet(seed=seed, clusters=12, organizations=1) for seed in range(6)]
    names = [json.loads(made.value)["ClusterName"] for one in data for made in one]
    assert len(set(names)) == len(names) == 72


def test_organizations_are_numbered_from_where_it_is_said() -> None:
    made = DataSet(clusters=20, organizations=2, first_organization=70)
    assert {json.loads(one.value)["OrgID"] for one in made} == {70, 71}


@pytest.mark.parametrize("situation", shipped_messages("bad"))
def test_the_shipped_bad_messages_are_refused(situation: str) -> None:
    assert _refusal("ocp", shipped_messages("bad")[situation])


def test_the_shipped_messages_come_by_situation() -> None:
    assert list(shipped_messages("dvo")) == sorted(shipped_messages("dvo"))
    assert json.loads(shipped_messages("ocp")["one_hit"])["OrgID"] == 656485
