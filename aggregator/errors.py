"""Exceptions of the service, independent of HTTP, Kafka and SQL."""

from __future__ import annotations


class AggregatorError(Exception):
    """Base of all errors that this service raises on purpose; `str(error)` is the client's text."""


class InvalidInput(AggregatorError):
    """An input value is invalid; the text names the input and the value."""


class NotFound(AggregatorError):
    """The requested item does not exist."""

    @classmethod
    def item(cls, *ids: object, separator: str = "/") -> NotFound:
        """Return the error for a missing item, in the words of contract rest-api 1.3."""
        identity = separator.join(str(part) for part in ids)
        return cls(f"Item with ID {identity} was not found in the storage")


class Unauthorized(AggregatorError):
    """The request has no identity, or an invalid one."""


class Forbidden(AggregatorError):
    """The identity is known, but belongs to another organization."""


class TooLarge(AggregatorError):
    """A request body is longer than `server.maximum_body_size`."""


class Unavailable(AggregatorError):
    """A dependency (database, broker, Redis) is temporarily unavailable."""


class ConfigError(AggregatorError):
    """The configuration cannot be used; the text names the key and the value (never a secret)."""


class UnusableFile(ConfigError):
    """A file that the configuration names cannot be used."""


class UnusableStorage(ConfigError):
    """A storage cannot be built from its section of the configuration."""


class UnsupportedServer(UnusableStorage):
    """The database server is older than the oldest supported version; the text names both."""


class UnusableBackend(ConfigError):
    """`storage_backend.use` names no kind of message to consume."""


class CannotListen(AggregatorError):
    """The listen address is in use or not an address of this machine; the text names it."""


class SchemaMismatch(AggregatorError):
    """The schema version of the database is not the one that this service needs."""


class MigrationError(AggregatorError):
    """The requested migration is impossible."""


class RecordRejected(AggregatorError):
    """The database rejects a record because of its content."""


class DeadLetterLimitReached(AggregatorError):
    """Too many messages are invalid; the service stops instead of draining the topic."""
