"""Compression of answers, where `server.compression` asks for it.

The smart proxy passes the answers of routes that write on without their `Content-Encoding`, so that
its callers cannot read what is compressed; only answers to GET are.
"""

from __future__ import annotations

from tornado.httputil import HTTPServerRequest
from tornado.web import GZipContentEncoding

WORTHLESS_CHARACTERS = "0. "


class Compression(GZipContentEncoding):
    """Tornado's compression for those who want it, by RFC 9110 12.5.3."""

    def __init__(self, request: HTTPServerRequest) -> None:
        super().__init__(request)
        wanted = request.headers.get("Accept-Encoding", "")
        self._gzipping = request.method == "GET" and accepts_gzip(wanted)


def accepts_gzip(wanted: str) -> bool:
    """Say whether a header `Accept-Encoding` takes gzip; what is not named stands for `*`."""
    weights = {}
    for part in wanted.lower().split(","):
        name, _, parameters = part.partition(";")
        weight = parameters.partition("q=")[2]
        weights[name.strip()] = not weight or bool(weight.strip(WORTHLESS_CHARACTERS))
    return weights.get("gzip", weights.get("*", False))
