"""Exceptions of the service, independent of HTTP, Kafka and SQL."""

from __future__ import annotations


class AggregatorError(Exception):
    """Base of all errors that this service raises on purpose; `str(error)` is the client's text."""


class InvalidInput(AggregatorError):
    """A value from outside is wrong; the text names the thing and the value."""


class NotFound(AggregatorError):
    """What was asked for does not exist."""

    @classmethod
    def item(cls, *ids: object, separator: str = "/") -> NotFound:
        """Return the error for a missing item, in the words of contract rest-api 1.3."""
        identity = separator.join(str(part) for part in ids)
        return cls(f"Item with ID {identity} was not found in the storage")


class Unauthorized(AggregatorError):
    """The request carries no identity, or one that cannot be believed."""


class Forbidden(AggregatorError):
    """The identity is known, but belongs to another organization."""


class TooLarge(AggregatorError):
    """A request body is longer than `server.maximum_body_size`."""


class Unavailable(AggregatorError):
    """A dependency (database, broker, Redis) does not answer now; later it may."""


class ConfigError(AggregatorError):
    """The configuration cannot be used; the text names the key and the value (never a secret)."""


class UnusableFile(ConfigError):
    """A file that the configuration names cannot be used."""


class UnusableStorage(ConfigError):
    """A storage cannot be built from its section of the configuration."""


class UnsupportedServer(UnusableStorage):
    """The database server is older than the oldest supported version; the text names both."""


class UnusableBackend(ConfigError):
    """With `storage_backend.use` as it is, there is nothing to consume."""


class CannotListen(AggregatorError):
    """The address to serve at is taken or is none of this machine; the text names it."""


class SchemaMismatch(AggregatorError):
    """The database is at another schema version than this service needs."""


class MigrationError(AggregatorError):
    """A migration was asked for that cannot be done."""


class RecordRejected(AggregatorError):
    """The database refuses a record for the record's own fault; only ingest sees this one."""


class DeadLetterLimitReached(AggregatorError):
    """Too many messages are invalid; the service stops instead of draining the topic."""
