"""Request targets, framing and Expect headers that the Go service and Tornado treat differently.

On the end of a request (framing) the stricter rule of the two applies.
"""

from __future__ import annotations

import re

from tornado.httputil import HTTPHeaders, HTTPInputError, RequestStartLine

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)")
_PORT = re.compile(r"(?:[^:\[\]]*|.*\])(?::[0-9]*)?")
_BAD_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")


def origin_form(line: RequestStartLine) -> str:
    """Return path and query of the target, also of an absolute URL.

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
    # an empty path is redirected to the root, as other paths without a trailing slash
    return rest if rest.startswith("/") else "//" + rest


def says_close(headers: HTTPHeaders) -> bool:
    """Return True if `Connection` contains `close`."""
    options = headers["Connection"].lower().split(",")
    return any(option.strip() == "close" for option in options)


def bad_framing(line: RequestStartLine, headers: HTTPHeaders) -> str:
    """Return the error status for ambiguous body framing; empty if it is unambiguous."""
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
    """Return the error status for an unsupported `Expect`; empty if supported or absent."""
    expectation = headers.get("Expect")
    if expectation is None:
        return ""
    del headers["Expect"]
    if expectation and expectation.lower() != "100-continue":
        return "417 Expectation Failed"
    if framed and expectation and line.version != "HTTP/1.0":
        headers["Expect"] = "100-continue"
    return ""
