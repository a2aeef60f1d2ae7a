"""Ways in which answers are wrong, as the tables of the tests name them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.mutation import edits
from tests.mutation.edits import (
    at,
    mapped,
    refusal,
    status_is,
)
from tests.mutation.middleware import Answer, Forward, Request
from tests.mutation.operators import Make, changed


def edited(path: str, function: Callable[[Any], Any]) -> Make:
    """Put something else at a path of each document."""
    return changed(at(path, mapped(function)))


def other(path: str) -> Make:
    """Put another value of the same kind there."""
    return edited(path, edits.other)


def always(path: str, value: object) -> Make:
    """Put the same value there, whatever was."""
    return changed(at(path, edits.value(value)))


def first_lost(path: str) -> Make:
    """Lose the first row."""
    return edited(path, edits.without_first)


def last_lost(path: str) -> Make:
    """Lose the last row."""
    return edited(path, edits.without_last)


def stranger(path: str) -> Make:
    """Show a row that belongs to somebody else."""
    return edited(path, edits.strange)


def turned(path: str) -> Make:
    """Turn the order around."""
    return edited(path, edits.turned)


def forgiven(number: int, **document: object) -> Make:
    """Answer that it is done where it should have been refused so."""

    def change(answer: Answer) -> Answer:
        return refusal(200, "ok")(answer).with_json({"status": "ok", **document})

    return changed(change, status_is(number))


def reworded(number: int) -> Make:
    """Give another reason for a refusal."""
    return changed(edits.text("because"), status_is(number))


def renumbered(number: int, wrong: int) -> Make:
    """Answer with another status."""
    return changed(edits.status(wrong), status_is(number))


def only(when: Callable[[Request], object], change: edits.Change) -> Make:
    """Change the answers to some requests only."""

    def middleware(request: Request, forward: Forward) -> Answer:
        answer = forward(request)
        return change(answer) if when(request) else answer

    return lambda: middleware


def said(text: str) -> Callable[[Request], object]:
    """Say whether a request has a text in its body."""
    return lambda request: text.encode() in request.body


def cut_to(path: str, most: int) -> Make:
    """Cut lists to a maximum number of rows."""
    return edited(path, edits.cut(most))


def ascii_only(name: str) -> Make:
    """Let the instance measure a text in characters, and say which it could not keep."""

    def shorter(request: Request, forward: Forward) -> Answer:
        document = json.loads(request.body or b"{}")
        text = document.get(name, "")
        plain = text.encode("ascii", "replace").decode()
        answer = forward(replace(request, body=json.dumps({**document, name: plain}).encode()))
        fits = plain != text and answer.status == 200 and name in (answer.json or {})
        return answer.with_json({**answer.json, name: text}) if fits else answer

    return lambda: shorter


WITH_BODY = renumbered(405, 404), changed(edits.body(lambda _: b"no"), status_is(405))
BROKEN = refusal(500, "Internal Server Error")
