"""Forms of requests on which the Go service and Tornado do not agree, settled here.

Where one of them is stricter about where a request ends, so are we.
"""

from __future__ import annotations

import re

from tornado.httputil import HTTPHeaders, HTTPInputError, RequestStartLine

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)")
_PORT = re.compile(r"(?:[^:\[\]]*|.*\])(?::[0-9]*)?")
_BAD_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")


def origin_form(line: RequestStartLine) -> str:
    """Return the target as path and query, also when it is a whole URL.

    Raise HTTPInputError when it is neither.
    """
    target = line.path
    if not target.startswith("/"):
        target = _of_url(line)
    if "%" in target and _BAD_ESCAPE.search(target.partition("?")[0]):
        raise HTTPInputError("bad escape in path")
    return target


def _of_url(line: RequestStartLine) -> str:
    if line.path == "*" and line.method != "CONNECT":
        return line.path
    url = _ABSOLUTE.match(line.path)
    if url is None or not _PORT.fullmatch(url[1].rpartition("@")[2]):
        raise HTTPInputError("no path in request target")
    rest = line.path[url.end() :]
    # without a path it is redirected to the root, as other paths without their slash are
    return rest if rest.startswith("/") else "//" + rest


def says_close(headers: HTTPHeaders) -> bool:
    """Say whether `close` is among the options of the connection."""
    options = headers["Connection"].lower().split(",")
    return any(option.strip() == "close" for option in options)


def bad_framing(line: RequestStartLine, headers: HTTPHeaders) -> str:
    """Return the status for a body whose end others may see elsewhere; empty: it is clear."""
    encoding = headers.get("Transfer-Encoding")
    if encoding is not None:
        if encoding.lower() != "chunked":
            return "501 Not Implemented"
        if line.version == "HTTP/1.0":
            return "400 Bad Request"
    if any("," in length for length in headers.get_list("Content-Length")):
        return "400 Bad Request"
    return ""


def unmet_expectation(line: RequestStartLine, headers: HTTPHeaders, *, framed: bool) -> str:
    """Return the status for an expectation that is not met; empty: it is, or there is none."""
    expectation = headers.get("Expect")
    if expectation is None:
        return ""
    del headers["Expect"]
    if expectation and expectation.lower() != "100-continue":
        return "417 Expectation Failed"
    if framed and expectation and line.version != "HTTP/1.0":
        headers["Expect"] = "100-continue"
    return ""
