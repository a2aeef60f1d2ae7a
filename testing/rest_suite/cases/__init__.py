"""The cases, one module an aggregate: tests of pytest with the fixtures `api` and `data`.

A case is a function whose name is a sentence:

    @writes
    def test_a_like_is_shown_in_the_report(api: Api, data: Data) -> None:
        hit, user = data.own_hit(), data.user()
        api.ok("like", **hit.params, user_id=user)
        ...
        equal(vote, 1, "user_vote after a like")

- `data.hit()`, `.cluster()`, `.organizations(2)` ... give what the instance is known to have, and
  skip the case when it has not. A case that writes to a cluster takes `data.own_hit()`, which no
  other case writes to meanwhile; `data.user()` and `data.rule()` are new each time.
- `api.ok(operation, **parameters, body=...)` demands a 200 with the content type and JSON Schema
  of `contract.py` and returns the JSON; `api.refused(404, operation, "text", ...)` demands an
  error; `api.call` and `api.raw` return the exchange (`status`, `headers`, `text`, `json`).
  Parameters have the names of the path in `contract.py`; superfluous ones are left out.
- What was voted, disabled or acked is taken back by itself; `api.later(action)` adds to that.
- `check(condition, message)`, `equal(actual, expected, what)`, `ascending(names, what)` and
  `skip(reason)` come from `checks.py`; a message names the thing and the value.
- `@writes` (needs --allow-writes), `@deletes` (needs --allow-deletes, runs alone),
  `@profiles(DEPARTURES)` (others do not demand it) and `@each("a", "b")` (parametrizes the third
  argument) come from `case.py`. Readers run before writers, so they may compare two answers; what
  may still change meanwhile is the instance's own intake.
"""
