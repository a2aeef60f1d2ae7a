"""Gzip compression of responses to GET requests, if `server.compression` is on.

The smart proxy forwards responses of writing routes without `Content-Encoding`, so its clients
could not decode them. Therefore only responses to GET are compressed.
"""

from __future__ import annotations

from tornado.httputil import HTTPServerRequest
from tornado.web import GZipContentEncoding

WORTHLESS_CHARACTERS = "0. "


class Compression(GZipContentEncoding):
    """Tornado's compression, negotiated by RFC 9110 12.5.3."""

    def __init__(self, request: HTTPServerRequest) -> None:
        super().__init__(request)
        wanted = request.headers.get("Accept-Encoding", "")
        self._gzipping = request.method == "GET" and accepts_gzip(wanted)


def accepts_gzip(wanted: str) -> bool:
    """Return True if `Accept-Encoding` accepts gzip; `*` matches codings not listed."""
    weights = {}
    for part in wanted.lower().split(","):
        name, _, parameters = part.partition(";")
        weight = parameters.partition("q=")[2]
        weights[name.strip()] = not weight or bool(weight.strip(WORTHLESS_CHARACTERS))
    return weights.get("gzip", weights.get("*", False))
