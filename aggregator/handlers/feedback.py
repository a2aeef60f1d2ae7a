"""Handlers of disable feedback."""

from __future__ import annotations

from typing import Any

from ..model import DisableFeedback
from .base import ApiHandler
from .times import pair


class DisableFeedbackHandler(ApiHandler):
    """Records disable feedback (contract rest-api 4.2)."""

    async def post(self) -> None:
        """Record it and answer with it."""
        hit = self.rule_hit()
        owner = await self.owned(hit.cluster)
        user, org = self.user_id(), self.org_id()
        self.permit_owner(owner)
        message = await self.message("message", required=True)
        await self.storage.feedback.put(org, user, hit, message, owner=self.writer())
        self.context.metrics.feedback_on_rules.inc()
        self.ok(message=message)


class UserReasonsHandler(ApiHandler):
    """All disable feedback of a user (contract rest-api 4.3), within the token's organization."""

    async def get(self) -> None:
        """List them; user names of two organizations may be the same (departure 17)."""
        found = self.storage.feedback.of_user(self.user_id(), self.scope())
        await self.ok_listed("reasons", found, _document)


def _document(reason: DisableFeedback) -> dict[str, Any]:
    return {
        "ClusterID": reason.hit.cluster,
        "RuleID": reason.hit.rule_id,
        "ErrorKey": reason.hit.error_key,
        "Message": reason.message,
        "AddedAt": pair(reason.added_at),
        "UpdatedAt": pair(reason.updated_at),
    }
