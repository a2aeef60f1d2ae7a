"""Kafka errors: which of them are fatal, and the reason to show for the others."""

from __future__ import annotations

from typing import Any

from aiokafka import errors

from ...errors import Unavailable

# What waiting cannot change: a mistake of ours, or a checksum that fails outside record batches.
# All else is unavailable: an operator may put it right, and nothing is lost meanwhile.
FATAL = (
    errors.IllegalStateError,
    errors.IllegalArgumentError,
    errors.KafkaConfigurationError,
    errors.CorruptRecordException,
)
# codes that aiokafka does not know and would report as UnknownError
_UNKNOWN_TO_AIOKAFKA = {
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
    for code, name in _UNKNOWN_TO_AIOKAFKA.items():
        if code not in errors.kafka_errors:
            facts: dict[str, Any] = {"errno": code, "retriable": code in _RETRIABLE}
            facts |= {"message": name, "description": name}
            errors.kafka_errors[code] = type(name, (errors.BrokerResponseError,), facts)


_name_all()


def is_fatal(error: errors.KafkaError) -> bool:
    """Return whether trying again later makes no sense."""
    return isinstance(error, FATAL)


def reason(error: BaseException) -> str:
    """Return what happened in one line, with what to look at where that is known."""
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
