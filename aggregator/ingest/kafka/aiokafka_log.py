"""Filters the log of aiokafka: repeated lines of an outage become the reason of the pause."""

from __future__ import annotations

import logging
import time

log = logging.getLogger(__name__)

_LOGGERS = (
    "aiokafka", "aiokafka.client", "aiokafka.cluster", "aiokafka.conn", "aiokafka.consumer.fetcher",
    "aiokafka.consumer.group_coordinator", "aiokafka.producer.sender",
)  # fmt: skip
# Beginnings of lines that are logged repeatedly while a broker, a topic or a permission is missing.
# The consumer pauses for the same reason and logs it; each of these lines is logged as `debug`.
_REPEATED = (
    "Unable connect to", "Unable to request metadata", "Unable to update metadata",
    "Topic %s is not available", "Topic %s not found", "Topic %s is not authorized",
    "Error fetching metadata", "No broker metadata found",
    "Error sending %s to node", "Group Coordinator Request failed", "Marking the coordinator dead",
    "Heartbeat session expired", "Heartbeat send request failed", "Heartbeat failed",
    "LeaveGroup request failed", "OffsetCommit failed", "Failed to commit",
    "OffsetFetchRequest -- unknown topic", "Unknown error fetching offsets",
    "Attempt to join group failed", "Unexpected error in join group",
    "Unexpected error from SyncGroup", "No partition metadata for topic",
    "Failed fetch messages", "Not authorized to read", "Unexpected error while fetching data",
    "Failed fetch offsets", "Received unknown topic or partition", "Attempt to fetch offsets",
    "Cannot send", "Could not send", "Got error produce response", "FindCoordinator Request failed",
)  # fmt: skip
_CONNECT = "Unable connect to"
# logged for every connection; once is enough
_ONCE = ("Sending username and password in the clear",)
# a rebalance is not an error; RebalanceListener logs revoked and assigned partitions
_ROUTINE = ("because it is rebalancing",)


class OutageLines(logging.Filter):
    """Drops the repeated lines, and keeps the last one that reports an outage."""

    def __init__(self) -> None:
        super().__init__()
        self._last = ("", 0.0)
        # the connection error is the cause of the errors that follow
        self._last_connect = ("", 0.0)
        self._logged: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether aiokafka may log this."""
        template = str(record.msg)
        if template in _ONCE:
            first = template not in self._logged
            self._logged.add(template)
            return first
        if record.exc_info or not template.startswith(_REPEATED):
            return True
        text = " ".join(record.getMessage().split())
        if not any(routine in text for routine in _ROUTINE):
            self._last = text, time.time()
            if template.startswith(_CONNECT):
                self._last_connect = self._last
        log.debug("aiokafka: %s", text)
        return False

    def since(self, moment: float) -> str:
        """Return the most specific line after this time, or nothing."""
        lines = (self._last_connect, self._last)
        return next((text for text, at in lines if at > moment), "")


LINES = OutageLines()


def install() -> None:
    """Let all loggers of aiokafka pass through `LINES`; a second call changes nothing."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(LINES)
