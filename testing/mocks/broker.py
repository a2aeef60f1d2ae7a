"""In-process Kafka broker: librdkafka's mock cluster, with the real protocol over sockets.

It is the mock cluster that librdkafka carries for its own tests. The library is called by its C
names, because the Python binding offers no word for outages and makes every first member of a
consumer group wait three seconds.
"""

from __future__ import annotations

import ctypes
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from ..packages import of_testing

with of_testing():
    from confluent_kafka import cimpl

_BROKER = 1
_PRODUCER = 0
_Pointer = ctypes.c_void_p
_C_NAMES: dict[str, tuple[object, ...]] = {
    "rd_kafka_conf_new": (_Pointer,),
    "rd_kafka_conf_set": (
        ctypes.c_int,
        _Pointer,
        ctypes.c_char_p,
        ctypes.c_char_p,
        ctypes.c_char_p,
        ctypes.c_size_t,
    ),
    "rd_kafka_new": (_Pointer, ctypes.c_int, _Pointer, ctypes.c_char_p, ctypes.c_size_t),
    "rd_kafka_destroy": (None, _Pointer),
    "rd_kafka_mock_cluster_new": (_Pointer, _Pointer, ctypes.c_int),
    "rd_kafka_mock_cluster_destroy": (None, _Pointer),
    "rd_kafka_mock_cluster_bootstraps": (ctypes.c_char_p, _Pointer),
    "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, _Pointer, ctypes.c_int32),
    "rd_kafka_mock_topic_create": (
        ctypes.c_int,
        _Pointer,
        ctypes.c_char_p,
        ctypes.c_int,
        ctypes.c_int,
    ),
    "rd_kafka_mock_broker_set_down": (ctypes.c_int, _Pointer, ctypes.c_int32),
    "rd_kafka_mock_broker_set_up": (ctypes.c_int, _Pointer, ctypes.c_int32),
}


class Broker:
    """One broker for as long as the `with` block lasts; topics come into being when named.

    Its memory is the process's: nothing outlives it. A group is for one consumer: the library
    answers a follower's SyncGroup with an error unless it comes before the leader's, and lets who
    joins a group that another has just left wait for most of its session timeout. So give each
    consumer a group of its own.
    """

    def __init__(self) -> None:
        self._library = _declared(ctypes.CDLL(cimpl.__file__))
        self._client: int | None = None
        self._cluster: int | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def address(self) -> str:
        """Return `host:port`, as clients want it for their bootstrap servers."""
        address: bytes = self._library.rd_kafka_mock_cluster_bootstraps(self._running())
        return address.decode()

    def start(self) -> None:
        """Listen on a free port of the loopback interface."""
        reason = ctypes.create_string_buffer(512)
        conf = self._library.rd_kafka_conf_new()
        self._library.rd_kafka_conf_set(conf, b"log_level", b"3", reason, len(reason))
        with _signals_blocked():
            self._client = self._library.rd_kafka_new(_PRODUCER, conf, reason, len(reason))
            if not self._client:
                raise RuntimeError(f"no Kafka client: {reason.value.decode()}")
            self._cluster = self._library.rd_kafka_mock_cluster_new(self._client, 1)
        # nobody else comes, so the only member of a group need not wait
        self._library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._running(), 0)

    def stop(self) -> None:
        """Close the port and forget all messages; a second call does nothing."""
        if self._cluster is not None:
            self._library.rd_kafka_mock_cluster_destroy(self._cluster)
            self._library.rd_kafka_destroy(self._client)
        self._cluster = self._client = None

    def create_topic(self, name: str, *, partitions: int = 1) -> None:
        """Make a topic with this many partitions (one that is only named gets four)."""
        answer = self._library.rd_kafka_mock_topic_create(
            self._running(), name.encode(), partitions, 1
        )
        if answer:
            raise ValueError(f"topic {name!r} cannot be created: Kafka error {answer}")

    def down(self) -> None:
        """Cut all connections and accept no more, as a broker that died; messages stay."""
        self._library.rd_kafka_mock_broker_set_down(self._running(), _BROKER)

    def up(self) -> None:
        """Accept connections again after `down`, on the same address."""
        self._library.rd_kafka_mock_broker_set_up(self._running(), _BROKER)

    def _running(self) -> int:
        """Return the handle of the cluster; without one the C library would crash."""
        if self._cluster is None:
            raise RuntimeError("the broker is not running")
        return self._cluster


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """Block all signals for the threads that are started here.

    The mock cluster ends when a signal interrupts its poll, and clients wait for their timeouts.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _declared(library: ctypes.CDLL) -> ctypes.CDLL:
    """Tell ctypes what the functions take and give: pointers are wider than its default."""
    for name, (result, *arguments) in _C_NAMES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library
