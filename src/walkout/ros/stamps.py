"""Nanosecond stamps of the algorithms to and from the messages' time."""

from __future__ import annotations

from builtin_interfaces.msg import Time
from std_msgs.msg import Header

_NS_PER_S = 1_000_000_000


def to_ns(stamp: Time) -> int:
    """Return a message's time in nanoseconds."""
    return int(stamp.sec) * _NS_PER_S + int(stamp.nanosec)


def to_time(stamp_ns: int) -> Time:
    """Return nanoseconds as a message's time; before the epoch is the epoch."""
    sec, nanosec = divmod(max(0, int(stamp_ns)), _NS_PER_S)
    return Time(sec=sec, nanosec=nanosec)


def header(stamp_ns: int, frame_id: str) -> Header:
    """Return a header."""
    return Header(stamp=to_time(stamp_ns), frame_id=frame_id)
