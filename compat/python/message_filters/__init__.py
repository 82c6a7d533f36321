"""Stand-in of message_filters: subscribers, a cache by time, and exact and approximate synchronisation.

Differences from upstream: an exception in a callback does not leave a synchroniser locked for ever.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from typing import Any

from rclpy.clock import ROSClock
from rclpy.duration import Duration
from rclpy.logging import get_logger
from rclpy.node import Node
from rclpy.time import Time

__standin__ = True

__all__ = ["ApproximateTimeSynchronizer", "Cache", "SimpleFilter", "Subscriber", "TimeSynchronizer"]

_HEADERLESS = ("a message without header.stamp came to a filter with allow_headerless=False; it is dropped "
               "(with allow_headerless=True the time of its arrival would be used)")


def _stamp_of(msg: Any, allow_headerless: bool) -> Time | None:
    """Return the message's stamp, or the present time for one without; None if that is not allowed."""
    if hasattr(msg, "header") and hasattr(msg.header, "stamp"):
        stamp = msg.header.stamp
        return stamp if hasattr(stamp, "nanoseconds") else Time.from_msg(stamp)
    if allow_headerless:
        return ROSClock().now()
    get_logger("message_filters").warning(_HEADERLESS)
    return None


class SimpleFilter:
    """A source of messages that others can connect to."""

    def __init__(self) -> None:
        self.callbacks: dict[int, tuple[Callable[..., None], tuple]] = {}

    def registerCallback(self, cb: Callable[..., None], *args: Any) -> int:
        """Have `cb` called with each message (or set of messages), followed by `args`; returns an id."""
        connection = len(self.callbacks)
        self.callbacks[connection] = (cb, args)
        return connection

    def signalMessage(self, *msg: Any) -> None:
        """Hand a message on to all callbacks."""
        for callback, args in list(self.callbacks.values()):
            callback(*msg, *args)


class Subscriber(SimpleFilter):
    """A subscription as a filter.

    Args:
        node: whose subscription it is.
        args: message type and topic.
        kwargs: as for `Node.create_subscription`; `qos_profile` defaults to 10.
    """

    def __init__(self, node: Node, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        self.node = node
        self.topic = kwargs["topic"] if "topic" in kwargs else args[1]
        kwargs.setdefault("qos_profile", 10)
        self.sub = node.create_subscription(*args, callback=self.callback, **kwargs)

    def callback(self, msg: Any) -> None:
        """Pass on what arrives."""
        self.signalMessage(msg)

    def getTopic(self) -> str:
        """Return the topic as it was given."""
        return self.topic

    def __getattr__(self, name: str) -> Any:
        """Return the subscription's attribute."""
        if name == "sub":
            raise AttributeError(name)
        return getattr(self.sub, name)


class Cache(SimpleFilter):
    """The last `cache_size` messages in the order of their arrival; passes them on as well."""

    def __init__(self, f: SimpleFilter | None, cache_size: int = 1, allow_headerless: bool = False) -> None:
        super().__init__()
        self.cache_size = cache_size
        self.cache_msgs: list[Any] = []
        self.cache_times: list[Time] = []
        self.allow_headerless = allow_headerless
        if f is not None:
            self.connectInput(f)

    def connectInput(self, f: SimpleFilter) -> None:
        """Take messages from a filter."""
        self.incoming_connection = f.registerCallback(self.add)

    def add(self, msg: Any) -> None:
        """Keep a message and pass it on."""
        stamp = _stamp_of(msg, self.allow_headerless)
        if stamp is None:
            return
        self.cache_msgs.append(msg)
        self.cache_times.append(stamp)
        while len(self.cache_msgs) > self.cache_size:
            del self.cache_msgs[0], self.cache_times[0]
        self.signalMessage(msg)

    def _pairs(self) -> list[tuple[Any, Time]]:
        return list(zip(self.cache_msgs, self.cache_times, strict=True))

    def getInterval(self, from_stamp: Time, to_stamp: Time) -> list[Any]:
        """Return messages from one time to another, both included."""
        return [m for m, t in self._pairs() if from_stamp <= t <= to_stamp]

    def getElemAfterTime(self, stamp: Time) -> Any:
        """Return the first message at this time or later; None if there is none."""
        return next((m for m, t in self._pairs() if t >= stamp), None)

    def getElemBeforeTime(self, stamp: Time) -> Any:
        """Return the last message at this time or earlier; None if there is none."""
        return next((m for m, t in reversed(self._pairs()) if t <= stamp), None)

    def getLastestTime(self) -> Time | None:
        """Return the stamp of the message that came last (upstream's spelling)."""
        return self.cache_times[-1] if self.cache_times else None

    def getOldestTime(self) -> Time | None:
        """Return the stamp of the message that came first."""
        return self.cache_times[0] if self.cache_times else None

    def getLast(self) -> Any:
        """Return the latest message; None if there is none."""
        latest = self.getLastestTime()
        return None if latest is None else self.getElemAfterTime(latest)


class TimeSynchronizer(SimpleFilter):
    """Calls back with one message of each filter, all with exactly the same stamp.

    Args:
        fs: the filters.
        queue_size: messages kept per filter; the earliest stamp is dropped first.
    """

    def __init__(self, fs: Sequence[SimpleFilter], queue_size: int) -> None:
        super().__init__()
        self.queue_size = queue_size
        self.lock = threading.Lock()
        self.connectInput(fs)

    def connectInput(self, fs: Sequence[SimpleFilter]) -> None:
        """Take messages from these filters."""
        self.queues: list[dict[int, Any]] = [{} for _ in fs]
        self.input_connections = [
            f.registerCallback(self.add, self.queues[index], index) for index, f in enumerate(fs)]

    def add(self, msg: Any, my_queue: dict[int, Any], my_queue_index: int | None = None) -> None:
        """Take a message into a queue and call back if it completes a set."""
        stamp = _stamp_of(msg, False)
        if stamp is None:
            return
        with self.lock:
            self._store(msg, stamp.nanoseconds, my_queue)
            common = set.intersection(*(set(queue) for queue in self.queues))
            for time_ns in sorted(common):
                self._emit([time_ns] * len(self.queues))

    def _store(self, msg: Any, stamp_ns: int, queue: dict[int, Any]) -> None:
        queue[stamp_ns] = msg
        while len(queue) > self.queue_size:
            del queue[min(queue)]

    def _emit(self, stamps_ns: Sequence[int]) -> None:
        messages = [queue[stamp] for queue, stamp in zip(self.queues, stamps_ns, strict=True)]
        self.signalMessage(*messages)
        for queue, stamp in zip(self.queues, stamps_ns, strict=True):
            del queue[stamp]


class ApproximateTimeSynchronizer(TimeSynchronizer):
    """Calls back with one message of each filter, their stamps less than `slop` apart.

    On the arrival of a message the others nearest to it in time are tried first; a set is complete when the latest and
    the earliest stamp are strictly less than `slop` apart. At most one set is formed per arrival, and messages left
    over stay until they are pushed out, so sets need not come in the order of time.

    Args:
        fs: the filters.
        queue_size: messages kept per filter.
        slop: largest difference, in seconds.
        allow_headerless: give messages without header the time of their arrival.
    """

    def __init__(self, fs: Sequence[SimpleFilter], queue_size: int, slop: float,
                 allow_headerless: bool = False) -> None:
        super().__init__(fs, queue_size)
        self.slop = Duration(seconds=slop)
        self.allow_headerless = allow_headerless

    def add(self, msg: Any, my_queue: dict[int, Any], my_queue_index: int | None = None) -> None:
        """Take a message into a queue and call back if it completes a set."""
        stamp = _stamp_of(msg, self.allow_headerless)
        if stamp is None:
            return
        with self.lock:
            now_ns = stamp.nanoseconds
            self._store(msg, now_ns, my_queue)
            if now_ns not in my_queue:
                return
            for chosen in itertools.product(*self._candidates(now_ns, my_queue_index)):
                if max(chosen) - min(chosen) < self.slop.nanoseconds:
                    self._emit(chosen)
                    return

    def _candidates(self, now_ns: int, my_queue_index: int | None) -> list[list[int]]:
        """Return, per queue, the stamps within the slop, nearest first; for the message's own queue its stamp alone."""
        slop_ns = self.slop.nanoseconds
        return [
            [now_ns] if index == my_queue_index else
            sorted((s for s in queue if abs(s - now_ns) <= slop_ns), key=lambda s: abs(s - now_ns))
            for index, queue in enumerate(self.queues)
        ]
