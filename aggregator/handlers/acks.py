"""Handlers of acknowledgements: rules disabled for all clusters of an organization."""

from __future__ import annotations

from typing import Any

from ..model import (
    Ack,
    ErrorKey,
    OrgId,
    RuleId,
)
from .base import ApiHandler
from .times import pair


class AckHandler(ApiHandler):
    """Base of handlers of one ack (contract rest-api 4.4)."""

    def named(self) -> tuple[OrgId, RuleId, ErrorKey]:
        """Return the parameters, checked in this order."""
        return self.org_id(), self.rule_id(), self.error_key()


class DisableRuleHandler(AckHandler):
    """Acknowledges a rule."""

    async def put(self) -> None:
        """Record the ack and answer with its justification."""
        named = self.named()
        text = await self.message("justification", required=True)
        await self.storage.acks.put(*named, text)
        self.ok(justification=text)


class UpdateAckHandler(AckHandler):
    """Changes a justification."""

    async def post(self) -> None:
        """Change it, if there is an ack, and answer with it."""
        named = self.named()
        text = await self.message("justification", required=True)
        await self.storage.acks.update(*named, text)
        self.ok(justification=text)


class EnableRuleHandler(AckHandler):
    """Deletes an ack."""

    async def put(self) -> None:
        """Delete the ack if it exists; the response's status is not `ok`."""
        await self.storage.acks.delete(*self.named())
        self.ok(status="rule enabled")


class ReadAckHandler(AckHandler):
    """Returns one ack."""

    async def get(self) -> None:
        """Answer with the ack."""
        self.ok(disabledRule=_document(await self.storage.acks.get(*self.named())))


class AcksHandler(ApiHandler):
    """Lists all acks of an organization."""

    async def get(self) -> None:
        """List them."""
        await self.ok_listed("disabledRules", self.storage.acks.all(self.org_id()), _document)


def _document(ack: Ack) -> dict[str, Any]:
    return {
        "org_id": ack.org,
        "user_id": "",
        "rule_id": ack.rule_id,
        "error_key": ack.error_key,
        "justification": ack.justification,
        "created_at": pair(ack.created_at),
        "updated_at": pair(ack.updated_at),
    }
