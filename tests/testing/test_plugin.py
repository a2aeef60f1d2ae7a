"""The pytest plugin works in others' test suites, without any plugin for asynchronous tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ALONE = (
    *("-p", "no:tornado", "-p", "no:anyio", "-p", "no:asyncio", "-p", "no:cacheprovider"),
    *("-W", "error", "-q"),
)


def _run(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess(*ALONE, *options, timeout=120)


def test_a_suite_sends_messages_to_the_service_and_reads_its_answers(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(
        """
        import json
        import requests
        from testing.fixtures import DataSet, shipped_messages

        def test_data_set(aggregator_service):
            data = DataSet(kinds=("ocp", "dvo"), clusters=12, organizations=2, bad=0.5)
            aggregator_service.send_all(data)
            listed = requests.get(aggregator_service.url + "organizations").json()
            assert listed["organizations"] == [1001, 1002]

        def test_one_message(aggregator_service):
            message = shipped_messages("ocp")["one_hit"]
            aggregator_service.send(message)
            told = json.loads(message)
            path = f"organizations/{told['OrgID']}/clusters/{told['ClusterName']}/users/ann/report"
            report = requests.get(aggregator_service.url + path).json()["report"]
            assert report["meta"]["count"] == 1

        def test_it_is_empty_again(aggregator_service):
            listed = requests.get(aggregator_service.url + "organizations").json()
            assert listed["organizations"] == []
        """
    )
    _run(pytester).assert_outcomes(passed=3)


def test_a_suite_reads_what_the_service_set_aside(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from confluent_kafka import Consumer

        def test_dead_letters(aggregator_service, kafka_broker):
            aggregator_service.send(b"{", b"[]")
            reader = Consumer({
                "bootstrap.servers": kafka_broker.address,
                "group.id": "reader",
                "auto.offset.reset": "earliest",
            })
            reader.subscribe([aggregator_service.dead_letters])
            letters = reader.consume(2, timeout=20)
            reader.close()
            assert [letter.value() for letter in letters] == [b"{", b"[]"]
        """
    )
    _run(pytester).assert_outcomes(passed=1)


def test_a_suite_takes_the_broker_away(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from testing.fixtures import shipped_messages

        def test_outage(aggregator_service, kafka_broker):
            message = shipped_messages("ocp")["one_hit"]
            kafka_broker.down()
            kafka_broker.up()
            aggregator_service.send(message)
        """
    )
    _run(pytester).assert_outcomes(passed=1)


def test_a_suite_asks_the_mock(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import requests

        def test_mock(aggregator_mock):
            failing = "ffffffff-ffff-ffff-ffff-000000000503"
            path = f"organizations/1/clusters/{failing}/users/ann/report"
            assert requests.get(aggregator_mock + path).status_code == 503
            assert 2001 in requests.get(aggregator_mock + "organizations").json()["organizations"]
        """
    )
    _run(pytester).assert_outcomes(passed=1)


def test_a_suite_uses_the_storage_with_loops_of_its_own(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import asyncio
        from testing.contract.sample_data import two_clusters

        def test_storage(aggregator_storage):
            asyncio.run(two_clusters(aggregator_storage))
            assert asyncio.run(aggregator_storage.reports.count()) == 2

        def test_it_is_empty_again(aggregator_storage):
            assert asyncio.run(aggregator_storage.reports.count()) == 0
        """
    )
    _run(pytester).assert_outcomes(passed=2)


def test_a_suite_runs_in_parallel(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import os
        import requests
        from testing.fixtures import shipped_messages

        def test_a_service_of_its_own(aggregator_service):
            assert os.environ["PYTEST_XDIST_WORKER"] in ("gw0", "gw1")
            aggregator_service.send(shipped_messages("ocp")["one_hit"])
            listed = requests.get(aggregator_service.url + "organizations").json()
            assert len(listed["organizations"]) == 1
        """
    )
    _run(pytester, "--numprocesses", "2", "--dist", "each").assert_outcomes(passed=2)


def test_a_suite_has_fixtures_of_the_same_names(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        def aggregator_mock():
            return "mine"

        def test_mine(aggregator_mock):
            assert aggregator_mock == "mine"
        """
    )
    _run(pytester).assert_outcomes(passed=1)


def test_a_suite_that_wants_none_of_it_loads_none_of_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_nothing():
            for name in ("aggregator", "testing", "tornado", "aiokafka", "confluent_kafka"):
                assert name not in sys.modules
        """
    )
    _run(pytester).assert_outcomes(passed=1)


def test_the_fixtures_are_listed_with_what_they_are(pytester: pytest.Pytester) -> None:
    listed = _run(pytester, "--fixtures").stdout.str()
    for name in ("aggregator_service", "aggregator_mock", "kafka_broker"):
        assert f"{name} -- " in listed
    assert "The service, running on SQLite" in listed


@pytest.mark.parametrize("mode", ["prepend", "importlib"])
def test_project_with_a_package_called_testing_runs(pytester: pytest.Pytester, mode: str) -> None:
    """Its own package is found, and the fixtures work."""
    pytester.makepyfile(
        **{
            "testing/__init__": "",
            "testing/helpers": "ANSWER = 42",
            "testing/test_own": """
                import requests

                def test_own_package():
                    from testing.helpers import ANSWER
                    assert ANSWER == 42

                def test_fixture(aggregator_mock):
                    assert requests.get(aggregator_mock).json() == {"status": "ok"}

                def test_our_package():
                    from insights_results_testing.fixtures import shipped_messages
                    assert shipped_messages("ocp")
            """,
        }
    )
    options = () if mode == "prepend" else ("-o", "pythonpath=.")
    _run(pytester, f"--import-mode={mode}", *options).assert_outcomes(passed=3)


def test_messages_of_every_form_are_sent(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import json
        import pytest
        import requests
        from testing.fixtures import DataSet, shipped_messages

        def test_forms(aggregator_service):
            text = shipped_messages("ocp")["one_hit"]
            message = json.loads(text)
            names = [f"{n:08x}-0000-4000-8000-000000000000" for n in range(3)]
            one, two, three = ({**message, "ClusterName": name} for name in names)
            (generated,) = DataSet(kinds=("dvo",), clusters=1)
            aggregator_service.send(one, json.dumps(two), json.dumps(three).encode(), generated)
            path = f"organizations/{message['OrgID']}/clusters"
            assert requests.get(aggregator_service.url + path).json()["clusters"] == names

            for wrong in (3, None, ["{}"]):
                with pytest.raises(TypeError, match="dict, str, bytes or a generated message, not"):
                    aggregator_service.send(wrong)
            with pytest.raises(TypeError, match="kind is one of ocp, dvo, not 'OCP'"):
                aggregator_service.send({}, kind="OCP")
        """
    )
    _run(pytester).assert_outcomes(passed=1)


def test_examples_of_the_documentation_work(pytester: pytest.Pytester) -> None:
    page = (Path(__file__).parents[2] / "docs/testing.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    examples = [block for block in blocks if "aggregator_service" in block]
    assert len(examples) == 2
    head = "import json\nfrom testing.fixtures import shipped_messages\n"
    pytester.makepyfile(head + "\n".join(examples))
    _run(pytester).assert_outcomes(passed=5)
