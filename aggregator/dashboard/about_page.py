"""What the page must know before it can show anything: prefix, token, what it may do."""

from __future__ import annotations

from typing import Any

from ..errors import Unauthorized
from .base import DashboardHandler


class AboutHandler(DashboardHandler):
    """Open, so that the page can ask for the token that the API needs."""

    open_to_all = True

    def initialize(self, *, writable: bool, **kwargs: Any) -> None:
        """Take whether the page may write."""
        self._take(**kwargs)
        self._writable = writable

    def get(self) -> None:
        """Answer with the settings of the page."""
        self.document(
            {
                "api_prefix": self.server.api_prefix,
                "auth_type": self.server.auth_type if self.server.auth else None,
                "token_accepted": self._accepted(),
                "organization": self.scope(),
                "organizations_listed": self.server.debug,
                "overview_limit_hours": self.server.org_overview_limit_hours,
                "writable": self._writable,
                "version": self.context.info.get("BuildVersion", ""),
            }
        )

    def _accepted(self) -> bool:
        authenticator = self.context.authenticator
        if authenticator is None:
            return True
        try:
            self.identity = authenticator.identify(self.request.headers)
        except Unauthorized:
            return False
        return True
