"""Handlers of votes on rule hits."""

from __future__ import annotations

from typing import Any

from ..model import RuleHit, Vote
from .base import ApiHandler


class VoteHandler(ApiHandler):
    """Records a user's vote (contract rest-api 4.1); `every_key` is the form of 2020."""

    def initialize(self, *, vote: Vote, every_key: bool = False, **kwargs: Any) -> None:
        """Set the vote, and whether the path has an error key."""
        super().initialize(**kwargs)
        self._vote = vote
        self._every_key = every_key

    async def put(self) -> None:
        """Record the vote, with the message that the body may have."""
        if self._every_key:
            await self._put_every_key()
        else:
            await self._put_one()
        self.context.metrics.feedback_on_rules.inc()
        self.ok()

    async def _put_one(self) -> None:
        hit = self.rule_hit()
        owner = await self.owned(hit.cluster)
        user, org = self.user_id(), self.org_id()
        self.permit_owner(owner)
        message = await self.message("message", required=False)
        await self.storage.votes.put(org, user, hit, self._vote, message, owner=self.writer())

    async def _put_every_key(self) -> None:
        cluster, rule = self.cluster(), self.rule_id()
        owner = await self.owned(cluster)
        user = self.user_id()
        self.permit_owner(owner)
        message = await self.message("message", required=False)
        for key in await self.storage.toggles.keys(owner, cluster, rule):
            hit = RuleHit(cluster, rule, key)
            await self.storage.votes.put(owner, user, hit, self._vote, message, owner=owner)


class GetVoteHandler(ApiHandler):
    """Returns a user's vote (debug); without an error key it is the newest one of the rule."""

    def initialize(self, *, every_key: bool = False, **kwargs: Any) -> None:
        """Set whether the path has an error key."""
        super().initialize(**kwargs)
        self._every_key = every_key

    async def get(self) -> None:
        """Answer with the vote."""
        cluster, rule = self.cluster(), self.rule_id()
        key = None if self._every_key else self.error_key()
        owner = await self.owned(cluster)
        user = self.user_id()
        self.permit_owner(owner)
        votes = self.storage.votes
        if key is None:
            vote = await votes.newest(user, cluster, rule)
        else:
            vote = await votes.get(user, RuleHit(cluster, rule, key))
        self.ok(vote=vote)
