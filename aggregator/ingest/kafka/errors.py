"""Kafka errors: which of them are fatal, and the reason to show for the others."""

from __future__ import annotations

from typing import Any

from aiokafka import errors

from ...errors import Unavailable

# Retrying cannot help: a programming error, or a wrong checksum outside of record batches. All
# other errors count as unavailable: an operator may correct them, and no message is lost.
FATAL = (
    errors.IllegalStateError,
    errors.IllegalArgumentError,
    errors.KafkaConfigurationError,
    errors.CorruptRecordException,
)
# codes that aiokafka does not know and would report as UnknownError
_MISSING_IN_AIOKAFKA = {
    74: "FencedLeaderEpoch",
    75: "UnknownLeaderEpoch",
    76: "UnsupportedCompressionType",
    78: "OffsetNotAvailable",
    81: "GroupMaxSizeReached",
    82: "FencedInstanceId",
    87: "InvalidRecord",
    89: "ThrottlingQuotaExceeded",
}
_RETRIABLE = {74, 75, 78, 89}
_ADVICE: dict[str, str] = {
    "TopicAuthorizationFailedError": "an ACL is missing that allows it",
    "GroupAuthorizationFailedError": "an ACL is missing that allows Read on the group",
    "ClusterAuthorizationFailedError": "an ACL is missing that allows it",
    "UnknownTopicOrPartitionError": "the topic does not exist",
    "InvalidRecord": "is the topic compacted? cleanup.policy=compact needs messages with a key",
    "FencedInstanceId": "another process uses the same broker.group_instance_id",
    "UnsupportedSaslMechanismError": "see broker.sasl_mechanism",
    "IllegalSaslStateError": "the listener has no SASL, see broker.security_protocol",
}


def _name_all() -> None:
    for code, name in _MISSING_IN_AIOKAFKA.items():
        if code not in errors.kafka_errors:
            facts: dict[str, Any] = {"errno": code, "retriable": code in _RETRIABLE}
            facts |= {"message": name, "description": name}
            errors.kafka_errors[code] = type(name, (errors.BrokerResponseError,), facts)


_name_all()


def is_fatal(error: errors.KafkaError) -> bool:
    """Return True if retrying cannot help."""
    return isinstance(error, FATAL)


def reason(error: BaseException) -> str:
    """Return the error in one line, with advice where there is some."""
    name = type(error).__name__
    text = " ".join(str(error).split())
    # what aiokafka, or a probe, reports of a connection is specific enough
    if name not in text and not (text and isinstance(error, errors.KafkaConnectionError)):
        text = f"{name}: {text}" if text else name
    known = next((_ADVICE[one] for one in _ADVICE if one in text), "")
    return f"{text} ({known})" if known and known not in text else text


def unavailable(error: errors.KafkaError) -> Exception:
    """Return Unavailable with the reason, or the error itself if it is fatal."""
    return error if is_fatal(error) else Unavailable(f"broker: {reason(error)}")
