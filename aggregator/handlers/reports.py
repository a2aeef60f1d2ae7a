"""Handlers of reports: one, its summary, one of its rules, several."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress
from typing import Any

import orjson

from ..errors import InvalidInput
from ..model import (
    ClusterId,
    OrgId,
    ReadHit,
    ReportText,
    RuleHit,
)
from ..parts import in_slices, sorted_names, turn
from . import body, rendering
from .answers import PIECE, Answer
from .base import ApiHandler
from .params import report_clusters, rule_with_key
from .times import seconds

# of a hit in an answer, without its details
HIT_BYTES = 250
# the event loop does other work after a report of more than this size
TEXT_IN_A_SLICE = 16 * 1024


class ReportHandler(ApiHandler):
    """A cluster's report as one user sees it (contract rest-api 3.2)."""

    async def get(self) -> None:
        """Answer with all hits; nothing is filtered here."""
        cluster, user, org = self.cluster(), self.user_id(), self.org_id()
        report = await self.storage.reports.read(org, cluster, user)
        meta: dict[str, Any] = {"cluster_name": "", "count": len(report.hits) or -1}
        if report.last_checked_at is not None:
            meta["last_checked_at"] = seconds(report.last_checked_at)
        if report.gathered_at is not None:
            meta["gathered_at"] = seconds(report.gathered_at)
        if _is_short(report.hits):
            hits = [
                _document(read, rendering.embedded(read.hit.template_data)) for read in report.hits
            ]
            self.ok(report={"meta": meta, "reports": hits})
        else:
            await self.send_parts(_long_report(meta, report.hits))


def _is_short(hits: Sequence[ReadHit]) -> bool:
    """Return True if an answer with these hits is one write."""
    room = PIECE - HIT_BYTES * len(hits)
    return room >= 0 and sum(len(one.hit.template_data) for one in hits) <= room


async def _long_report(
    meta: dict[str, Any], hits: Sequence[ReadHit]
) -> AsyncGenerator[bytes, None]:
    before = b'{"report":{"meta":' + orjson.dumps(meta) + b',"reports":['
    for read in hits:
        details = await rendering.embedded_in_slices(read.hit.template_data)
        yield before
        for piece in rendering.escaped_slices(orjson.dumps(_document(read, details))):
            yield piece
            await turn()
        before = b","
    yield b']},"status":"ok"}\n'


def _document(read: ReadHit, details: Any) -> dict[str, Any]:
    return {
        "component": read.hit.rule_id,
        "key": read.hit.error_key,
        "user_vote": read.vote,
        "disabled": read.disabled,
        "disable_feedback": read.reason,
        "disabled_at": seconds(read.reason_at) if read.reason_at else "",
        "details": details,
        "impacted": seconds(read.hit.created_at),
    }


class ReportInfoHandler(ApiHandler):
    """How many hits a cluster has and when it was seen."""

    async def get(self) -> None:
        """Answer with count and times."""
        cluster, org = self.cluster(), self.org_id()
        info = await self.storage.reports.info(org, cluster)
        self.ok(
            metainfo={
                "count": info.count or -1,
                "last_checked_at": seconds(info.last_checked_at) if info.last_checked_at else "",
                "stored_at": seconds(info.stored_at) if info.stored_at else "",
            }
        )


class RuleHandler(ApiHandler):
    """One hit of a cluster (contract rest-api 3.3)."""

    async def get(self) -> None:
        """Answer with the hit."""
        cluster, user, org = self.cluster(), self.user_id(), self.org_id()
        rule, key = rule_with_key(self.raw_params["rule_id"])
        found = await self.storage.reports.rule(org, RuleHit(cluster, rule, key), user)
        details = await rendering.embedded_in_slices(found.template_data)
        self.ok(
            report={
                "component": rule,
                "key": key,
                "user_vote": found.vote,
                "disabled": found.disabled,
                "disable_feedback": found.reason,
                "disabled_at": seconds(found.disabled_at) if found.toggled else "",
                "details": details,
            }
        )


class ReportsHandler(ApiHandler):
    """Reports of several clusters (contract rest-api 3.4)."""

    async def answer_for(self, org: OrgId, items: list[str]) -> None:
        """Answer with the reports of these clusters."""
        clusters: list[ClusterId] = []
        async for some in in_slices(items):
            clusters += report_clusters(some)
        reports = Answer(self.context.answers)
        try:
            found = await self._read(org, clusters, reports)
            await self.send_parts(report_document(clusters, found, reports))
        finally:
            reports.release()

    async def _read(self, org: OrgId, clusters: list[ClusterId], reports: Answer) -> set[ClusterId]:
        """Add the members of the answer's object of reports; return the clusters in it."""
        read: set[ClusterId] = set()
        async for names in sorted_names(clusters):
            found = self.storage.reports.read_many(org, [ClusterId(name) for name in names])
            async with aclosing(found):
                async for part in found:
                    for row in self._visible(org, part):
                        with suppress(ValueError):
                            await add_report(row, reports)
                            read.add(row.cluster)
        return read

    def _visible(self, org: OrgId, rows: Sequence[ReportText]) -> list[ReportText]:
        """Return the organization's rows, ascending; raise InvalidInput for another one's."""
        own = sorted(row for row in rows if row.org == org)
        # in scope, a cluster of another organization is as unknown as any other
        if self.scope() is None and len(own) < len(rows):
            raise InvalidInput("Improper organization ID")
        return own


class ReportsByPathHandler(ReportsHandler):
    """The variant with the clusters in the path, separated by commas."""

    async def get(self) -> None:
        """Answer for the clusters in the path."""
        await self.answer_for(self.org_id(), self.raw_params["cluster_list"].split(","))


class ReportsByBodyHandler(ReportsHandler):
    """The variant with the clusters in the body."""

    lists_names = True

    async def post(self) -> None:
        """Answer for the clusters in the body."""
        org = self.org_id()
        await self.answer_for(org, await body.field_names(await self.json_body(), "clusters"))


async def add_report(row: ReportText, reports: Answer) -> None:
    """Add a member of the object of reports; raise ValueError if its text is no JSON."""
    before = b",\n\t\t" if reports.size else b"{\n\t\t"
    before += rendering.escaped(orjson.dumps(row.cluster)) + b": "
    number = 0
    for number, piece in enumerate(rendering.indented(row.text, 2)):
        if number:
            await turn()
        if piece:
            reports.add(before + piece)
            before = b""
    if len(row.text) > TEXT_IN_A_SLICE:
        await turn()


async def report_document(
    clusters: list[ClusterId], known: set[ClusterId], reports: Answer
) -> AsyncGenerator[bytes, None]:
    """Yield the one answer that is indented with TABs and ends without a line feed."""
    async for part in _listed(b'{\n\t"clusters": ', clusters, lambda name: name in known):
        yield part
    async for part in _listed(b',\n\t"errors": ', clusters, lambda name: name not in known):
        yield part
    yield b',\n\t"reports": ' + (b"" if reports.size else b"{}")
    for piece in reports.all_pieces():
        yield piece
        await turn()
    yield b"\n\t}" if reports.size else b""
    yield b',\n\t"generated_at": "",\n\t"status": "ok"\n}'


async def _listed(
    before: bytes, clusters: list[ClusterId], wanted: Callable[[ClusterId], bool]
) -> AsyncGenerator[bytes, None]:
    """Yield the wanted ones of the clusters as a list, null if there are none."""
    begun = False
    async for some in in_slices(clusters):
        names = b",\n\t\t".join(orjson.dumps(name) for name in some if wanted(name))
        if names:
            yield (b"," if begun else before + b"[") + b"\n\t\t" + rendering.escaped(names)
            begun = True
    yield b"\n\t]" if begun else before + b"null"
