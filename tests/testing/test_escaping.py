"""Foreign text in reports is escaped as the service escapes it."""

from __future__ import annotations

import json
import sys

from aggregator import escaping as of_the_service
from testing import escaping


def test_both_escape_every_character_alike() -> None:
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    assert escaping.printable(everything) == of_the_service.printable(everything)
    document = json.dumps(everything.encode(errors="ignore").decode(), ensure_ascii=False)
    assert escaping.printable_json(document) == of_the_service.printable_json(document)
    assert json.loads(escaping.printable_json(document)) == json.loads(document)


def test_line_feeds_stay_where_lines_are_wanted() -> None:
    assert escaping.printable_lines("a\n\x1b\r\nb") == "a\n\\x1b\\r\nb"
