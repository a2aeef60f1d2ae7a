"""The report for CI: JUnit's XML, one suite a group."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from ...escaping import printable_lines
from ..result import Outcome, Result
from ..summary import Summary

# XML 1.0 has no way to write these, not even escaped
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def rendered(summary: Summary) -> str:
    """Return the report as XML."""
    root = ET.Element("testsuites", name="rest_suite", time=f"{summary.seconds:.3f}")
    for group, results in summary.groups.items():
        suite = ET.SubElement(root, "testsuite", name=group, hostname=_writable(summary.url))
        suite.set("timestamp", summary.moment.isoformat(timespec="seconds"))
        suite.set("time", f"{sum(result.seconds for result in results):.3f}")
        suite.set("tests", str(len(results)))
        suite.set("failures", str(_number(results, Outcome.FAILED)))
        suite.set(
            "skipped",
            str(_number(results, Outcome.SKIPPED) + _number(results, Outcome.INTERRUPTED)),
        )
        suite.set("errors", "0")
        for result in results:
            _case(suite, result)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _case(suite: ET.Element, result: Result) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        classname=f"rest_suite.{result.group}",
        name=_writable(result.name),
        time=f"{result.seconds:.3f}",
    )
    if result.outcome in (Outcome.SKIPPED, Outcome.INTERRUPTED):
        ET.SubElement(case, "skipped", message=_writable(result.reason))
    if result.outcome is Outcome.FAILED:
        failure = ET.SubElement(case, "failure", message=_writable(result.reason))
        failure.text = _writable(
            "\n\n".join(f"{e.curl()}\n{e.status} {e.text[:2000]}" for e in result.exchanges)
        )


def _number(results: list[Result], outcome: Outcome) -> int:
    return sum(result.outcome is outcome for result in results)


def _writable(text: str) -> str:
    return printable_lines(_UNWRITABLE.sub("?", text))
