"""Handlers of ratings of recommendations by organizations."""

from __future__ import annotations

from ..errors import InvalidInput
from . import body, params
from .base import ApiHandler

RATINGS = (-1, 0, 1)


class RateHandler(ApiHandler):
    """Records a rating (contract rest-api 4.5)."""

    async def post(self) -> None:
        """Record the rating and answer with it as `ratings`."""
        document = await self.json_body()
        text, rating = body.field_text(document, "rule"), body.field_integer(document, "rating")
        org = self.org_id()
        rule, key = params.rule_and_key(text)
        if rating not in RATINGS:
            raise InvalidInput("invalid rating")
        await self.storage.ratings.put(org, rule, key, rating)
        self.context.metrics.rating_on_rules.inc()
        self.ok(ratings={"rule": text, "rating": rating})


class RatingHandler(ApiHandler):
    """Returns a rating."""

    async def get(self) -> None:
        """Answer with the rating."""
        found = await self.storage.ratings.get(self.org_id(), self.selector())
        self.ok(rating={"rule": found.rule, "rating": found.rating})
