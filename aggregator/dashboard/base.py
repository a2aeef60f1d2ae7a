"""Base of the dashboard's handlers: security headers, token check, errors as in the API."""

from __future__ import annotations

from typing import Any

import orjson

from ..handlers.base import ApiHandler

# no script, style, font or connection from elsewhere, none inline, and no framing
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; "
    "form-action 'none'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class DashboardHandler(ApiHandler):
    """Not counted among the requests of the API, which are what the dashboard shows."""

    def clear(self) -> None:
        """Reset to an empty response with the security headers."""
        super().clear()
        for name, value in SECURITY_HEADERS.items():
            self.set_header(name, value)

    def prepare(self) -> None:
        """Start the timeout, and authenticate as the API does."""
        self.allow_seconds(self.server.request_timeout)
        authenticator = self.context.authenticator
        if authenticator is not None and not self.is_open(self.request):
            self.identity = authenticator.identify(self.request.headers)

    def on_finish(self) -> None:
        """Cancel the timeout."""
        self.incoming.release()
        self.cancel_timeout()

    def document(self, document: Any) -> None:
        """Answer with this as JSON."""
        self.send(orjson.dumps(document))
