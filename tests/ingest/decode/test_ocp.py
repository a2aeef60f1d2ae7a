"""Reports made of OCP messages."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator import model
from aggregator.ingest.decode.message import Decoded, InvalidMessage
from aggregator.ingest.decode.ocp import OcpDecoder
from tests.ingest import recorded
from tests.ingest.recorded import JSON, attempt, refusal

OCP = OcpDecoder(None, recorded.MAXIMUM)
STRICT = OcpDecoder(None, recorded.MAXIMUM, "strict")
STORED = [row for row in recorded.rows() if row["topic"] == "ocp" and "hits" in row["want"]]
CACHED = [row for row in recorded.rows() if "redis" in row["want"]]


def report(decoded: Decoded[model.Report]) -> model.Report:
    assert decoded.report is not None
    return decoded.report


def details(hit: model.Hit) -> list[object]:
    """Return the template data as a list: empty when there is none."""
    return [json.loads(hit.template_data)] if hit.template_data else []


@pytest.mark.parametrize("row", STORED, ids=lambda row: row["name"])
def test_a_recorded_report_is_what_the_reference_stored(row):
    found = report(OCP.decode(recorded.value(row)))
    want = row["want"]
    assert found.last_checked_at == datetime.fromisoformat(want["last_checked"])
    gathered = want["gathered"]
    assert found.gathered_at == (datetime.fromisoformat(gathered) if gathered else None)
    assert found.version == want["version"]
    if "report" in want:
        assert json.loads(found.text) == want["report"]
    names = sorted([hit.rule_id, hit.error_key] for hit in found.hits)
    assert names == sorted(hit[:2] for hit in want["hits"])
    templates = {(hit.rule_id, hit.error_key): details(hit) for hit in found.hits}
    for rule, key, *template in want["hits"]:
        if template and template != [""]:
            assert templates[rule, key] == template


@pytest.mark.parametrize("row", CACHED, ids=lambda row: row["name"])
def test_the_cache_gets_every_hit_and_the_time_with_its_zone(row):
    found = report(recorded.decoder(row).decode(recorded.value(row)))  # type: ignore[arg-type]
    hits = ",".join(f"{hit.rule_id.removesuffix('.report')}|{hit.error_key}" for hit in found.hits)
    assert [found.gathered_text, hits] == row["want"]["redis"]


def test_the_cache_keeps_what_no_table_can_hold():
    value = recorded.ocp(
        '[{"component":"a\\u0000","key":"K","details":"\\u0000"}]', OrgID=2**32 - 1
    )
    assert refusal(OCP, value).kind == "organization"
    found = report(OcpDecoder(None, recorded.MAXIMUM, into_cache=True).decode(value))
    assert (found.org, found.hits[0].rule_id) == (2**32 - 1, "a\0")


@pytest.mark.parametrize(
    ("text", "gathered"),
    [
        ("2025-03-01T9:30:00Z", datetime(2025, 3, 1, 9, 30)),
        ("2025-03-01T09:30:00,5Z", datetime(2025, 3, 1, 9, 30, 0, 500_000)),
        ("2025-03-01T09:30:00+24:00", datetime(2025, 2, 28, 9, 30)),
    ],
)
def test_the_time_of_gathering_is_read_like_that_of_the_check(text, gathered):
    value = recorded.ocp(Metadata={"gathering_time": text}, LastChecked=text)
    found = report(OCP.decode(value))
    assert (found.gathered_at, found.last_checked_at) == (gathered, gathered)


def test_the_report_is_rewritten_with_all_spellings_kept():
    value = recorded.ocp('[{"component":"a","key":"K","details": {"n" : [1.0, 1e3,-0]}}]').replace(
        b'"fingerprints":[]',
        '"z":"<b>&\\u00e9\\/ \\" \\\\",\n"fingerprints":[ 12345678901234567890 , 1.50 ],'
        '"B" : {"y":1,"x":"a  b\u2028","y":2},"\\u00e9":null'.encode(),
    )
    found = report(OCP.decode(value))
    assert found.text == (
        '{"B":{"y":1,"x":"a  b\\u2028","y":2},"fingerprints":[12345678901234567890,1.50],'
        '"reports":[{"component":"a","key":"K","details":{"n":[1.0,1e3,-0]}}],"system":{},'
        '"z":"\\u003cb\\u003e\\u0026\\u00e9\\/ \\" \\\\","\u00e9":null}'
    )
    assert found.hits[0].template_data == '{"n" : [1.0, 1e3,-0]}'


@given(JSON, st.sampled_from([None, 1]), st.booleans())
def test_details_survive_byte_for_byte(document, indent, ascii_only):
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only)
    value = recorded.ocp(f'[{{"component":"a","key":"K","details":{text}}}]')
    found = report(OCP.decode(value))
    assert found.hits == (model.Hit(model.RuleId("a"), model.ErrorKey("K"), text),)
    assert json.loads(found.text)["reports"][0]["details"] == json.loads(text)


def test_details_absent_are_empty_and_null_is_null():
    value = recorded.ocp('[{"component":"a"}, null, {"key":"K","Details":null}]')
    found = report(OCP.decode(value))
    assert [(hit.rule_id, hit.error_key, hit.template_data) for hit in found.hits] == [
        ("a", "", ""),
        ("", "", ""),
        ("", "K", "null"),
    ]


@pytest.mark.parametrize("second", ["a", "a.report"])
def test_the_last_of_two_hits_of_a_rule_and_key_counts_with_a_warning(second):
    value = recorded.ocp(
        '[{"component":"a","key":"K","details":1},{"component":"a|K","key":""},'
        f'{{"component":"{second}","key":"K","details":2}}]'
    )
    decoded = OCP.decode(value)
    hits = [(hit.rule_id, hit.template_data) for hit in report(decoded).hits]
    assert hits == [(second, "2"), ("a|K", "")]
    assert decoded.warnings == ("rule a|K hits more than once, the last one counts",)


def test_fields_of_the_reference_cannot_be_set_from_outside():
    info = [{"info_id": "version_info|CLUSTER_VERSION_INFO", "details": {"version": "6.6.6"}}]
    decoded = OCP.decode(recorded.ocp(ParsedHits=[{"component": "x"}], ParsedInfo=info))
    assert (report(decoded).hits, report(decoded).version) == ((), None)


@pytest.mark.parametrize(
    ("info", "version"),
    [
        ("[]", None),
        ('[null,{"info_id":"other","details":{"version":"1"}}]', None),
        ('[{"info_id":"version_info|CLUSTER_VERSION_INFO"}]', ""),
        ('[{"Info_ID":"version_info|CLUSTER_VERSION_INFO","details":{"version":null}}]', ""),
        (
            '[{"info_id":"version_info|CLUSTER_VERSION_INFO","details":{"version":"4.1"}},'
            '{"info_id":"version_info|CLUSTER_VERSION_INFO","details":{"version":"4.\\u0032"}}]',
            "4.2",
        ),
    ],
)
def test_the_version_is_the_last_one_told(info, version):
    value = recorded.ocp().replace(b'"reports":', b'"info":' + info.encode() + b',"reports":')
    assert report(OCP.decode(value)).version == version


@pytest.mark.parametrize(
    ("report_text", "kind"),
    [
        ('{"reports":null,"system":{},"fingerprints":[]}', "type"),
        ('{"reports":{},"system":{},"fingerprints":[]}', "type"),
        ('{"reports":[1],"system":{},"fingerprints":[]}', "type"),
        ('{"reports":[{"key":1}],"system":{},"fingerprints":[]}', "type"),
        ('{"reports":[],"system":{},"fingerprints":[],"info":null}', "type"),
        ('{"reports":[],"system":{},"fingerprints":[],"info":[{"details":[]}]}', "type"),
        ('{"reports":[],"system":{},"fingerprints":[],"info":[{"details":{"a":1}}]}', "type"),
        ('{"reports":[{"key":"a\\u0000"}],"system":{},"fingerprints":[]}', "nul"),
        ('{"reports":null,"skips":[]}', "structure"),
        ('{"skips":""}', "structure"),
        ('{"skips":0}', "structure"),
        ('{"system":{"hostname":"a"}}', "structure"),
        ('{"system":{"Hostname":1}}', "structure"),
        ('{"REPORTS":[1],"system":{},"fingerprints":[]}', "structure"),
        ("{}", "skip"),
        ('{"system":{"hostname":"","x":1},"skips":[],"analysis_metadata":null}', "skip"),
    ],
)
def test_a_wrong_report_is_refused_after_it_was_received(report_text, kind):
    value = recorded.ocp().split(b'"Report":')[0] + b'"Report":' + report_text.encode() + b"}"
    came = attempt(OCP, value)
    if isinstance(came, InvalidMessage):
        assert came.kind == kind
    else:
        assert (kind, came.report) == ("skip", None)
    assert came.envelope.received


def test_bytes_that_are_not_utf8_are_refused_only_where_they_would_be_stored():
    bad = recorded.ocp('[{"component":"a","key":"K","details":"@"}]', other="@")
    assert refusal(OCP, bad.replace(b"@", b"\xff")).kind == "encoding"
    elsewhere = recorded.ocp(other="@").replace(b"@", b"\xff")
    assert report(OCP.decode(elsewhere)).text == '{"fingerprints":[],"reports":[],"system":{}}'


@pytest.mark.parametrize(("version", "warned"), [(1, 0), (2, 0), (3, 1), (None, 1)])
def test_an_unexpected_version_is_only_a_warning(version, warned):
    decoded = OCP.decode(recorded.ocp(Version=version))
    text = f"Received data with unexpected version {version or 0}."
    assert decoded.warnings == (text,) * warned


@pytest.mark.parametrize(
    "path", sorted((recorded.FIXTURES / "ocp").iterdir()), ids=lambda p: p.stem
)
def test_a_good_fixture_is_accepted(path):
    document = json.loads(path.read_bytes())
    found = report(OCP.decode(path.read_bytes()))
    assert len(found.hits) == len(document["Report"]["reports"])
    assert found.text == json.dumps(
        dict(sorted(document["Report"].items())), separators=(",", ":")
    ).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@pytest.mark.parametrize(
    "path", sorted((recorded.FIXTURES / "bad").iterdir()), ids=lambda p: p.stem
)
def test_a_bad_fixture_is_refused(path):
    with pytest.raises(InvalidMessage):
        OCP.decode(path.read_bytes())


def test_the_strict_profile_asks_for_skips_and_info():
    good = (recorded.FIXTURES / "ocp" / "five_hits.json").read_bytes()
    assert STRICT.decode(good) == OCP.decode(good)
    absent = (recorded.FIXTURES / "ocp" / "info_absent.json").read_bytes()
    error = refusal(STRICT, absent)
    assert (error.kind, str(error)) == ("schema", "schema: Report: 'info' is a required property")
    assert error.envelope.received


def test_the_strict_profile_asks_for_upper_case_keys_and_still_skips_empty_reports():
    document = json.loads((recorded.FIXTURES / "ocp" / "one_hit.json").read_bytes())
    document["Report"]["reports"][0]["key"] = "lower"
    error = refusal(STRICT, json.dumps(document).encode())
    assert str(error).startswith("schema: Report.reports.0.key: 'lower' does not match")
    document["Report"] = {}
    assert STRICT.decode(json.dumps(document).encode()).report is None
