"""``ros2 topic hz``, ``bw`` and ``delay``: how often, how much, how late."""

from __future__ import annotations

import argparse
import math
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy
from rclpy.serialization import deserialize_message
from rclpy.time import Time

from ros2cli.graph import absolute, add_node_arguments, fail, open_node, spin_once, spin_until, topic_types
from ros2cli.qos import add_qos_arguments, for_topic, is_given, profile_from
from ros2cli.topic.echo import compile_filter, message_class

REPORT_S = 1.0


class RateStatistics:
    """Intervals between arrivals within a window of the last `window` messages; times in nanoseconds."""

    def __init__(self, window: int) -> None:
        self._intervals: deque[int] = deque(maxlen=window - 1)
        self._last_ns: int | None = None
        self._fresh = False

    def add(self, now_ns: int) -> None:
        """Note an arrival; time that goes backwards starts anew."""
        if self._last_ns is not None:
            if now_ns < self._last_ns:
                print("time has reset, resetting counters")
                self._intervals.clear()
            else:
                self._intervals.append(now_ns - self._last_ns)
        self._last_ns = now_ns
        self._fresh = True

    def report(self) -> str | None:
        """Return the text to print; None when nothing arrived since the last report."""
        if not self._fresh or not self._intervals:
            return None
        self._fresh = False
        seconds = [i * 1e-9 for i in self._intervals]
        mean = sum(seconds) / len(seconds)
        deviation = math.sqrt(sum((s - mean) ** 2 for s in seconds) / len(seconds))
        rate = 1.0 / mean if mean > 0 else 0.0
        return (f"average rate: {rate:.3f}\n\tmin: {min(seconds):.3f}s max: {max(seconds):.3f}s "
                f"std dev: {deviation:.5f}s window: {len(seconds) + 1}")


class DelayStatistics:
    """Ages of messages on arrival, in seconds."""

    def __init__(self, window: int) -> None:
        self._delays: deque[float] = deque(maxlen=window)
        self._fresh = False

    def add(self, delay_s: float) -> None:
        """Note an age."""
        self._delays.append(delay_s)
        self._fresh = True

    def report(self) -> str | None:
        """Return the text to print; None when nothing arrived since the last report."""
        if not self._fresh:
            return None
        self._fresh = False
        n = len(self._delays)
        mean = sum(self._delays) / n
        deviation = math.sqrt(sum((d - mean) ** 2 for d in self._delays) / n)
        return (f"average delay: {mean:.3f}\n\tmin: {min(self._delays):.3f}s max: {max(self._delays):.3f}s "
                f"std dev: {deviation:.5f}s window: {n}")


class BandwidthStatistics:
    """Sizes and arrival times (seconds) of the last `window` messages."""

    def __init__(self, window: int) -> None:
        self._sizes: deque[int] = deque(maxlen=window)
        self._times: deque[float] = deque(maxlen=window)

    def add(self, size: int, now_s: float) -> None:
        """Note a message."""
        self._sizes.append(size)
        self._times.append(now_s)

    def report(self, now_s: float) -> str | None:
        """Return the text to print; None with less than two messages."""
        if len(self._times) < 2:
            return None
        rate = sum(self._sizes) / max(now_s - self._times[0], 1e-9)
        n = len(self._sizes)
        mean, least, most = sum(self._sizes) / n, min(self._sizes), max(self._sizes)
        write = _writer(mean)
        sizes = f"mean: {write(mean)} min: {write(least)} max: {write(most)}"
        return f"{_writer(rate)(rate)}/s from {n} messages\n\tMessage size {sizes}"


def _writer(value: float) -> Callable[[float], str]:
    """Return what writes numbers of bytes in the unit that suits a value."""
    if value < 1000:
        return lambda x: f"{x:.0f} B"
    scale, unit = (1e3, "KB") if value < 1e6 else (1e6, "MB")
    return lambda x: f"{x / scale:.2f} {unit}"


def add_hz_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``hz``."""
    _add_common(parser, 10000)
    parser.add_argument("--filter", dest="filter_expr", metavar="EXPR",
                        help="count only messages for which the Python expression over 'm' holds")
    parser.add_argument("--wall-time", action="store_true", help="measure in wall time, also with simulated time")


def add_bw_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``bw``."""
    _add_common(parser, 100)


def add_delay_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``delay``."""
    _add_common(parser, 10000)


def _add_common(parser: argparse.ArgumentParser, window: int) -> None:
    add_node_arguments(parser)
    parser.add_argument("topic_name", help="name of the topic (e.g. '/chatter')")
    parser.add_argument("-w", "--window", type=_window, default=window, metavar="N",
                        help=f"number of messages to average over (default: {window})")
    add_qos_arguments(parser, "what is compatible with all publishers")


def main_hz(args: argparse.Namespace) -> int:
    """Print the rate once a second."""
    with open_node(args) as node:
        topic, kind = _wait_for_topic(node, args)
        accepts = compile_filter(args.filter_expr)
        statistics = RateStatistics(args.window)
        clock = Clock(clock_type=ClockType.STEADY_TIME) if args.wall_time or not args.use_sim_time else node.get_clock()

        def arrived(data: Any) -> None:
            if args.filter_expr is None or accepts(deserialize_message(data, kind)):
                statistics.add(clock.now().nanoseconds)

        _subscribe(node, args, topic, kind, arrived, raw=True)
        return _report(node, statistics.report)


def main_bw(args: argparse.Namespace) -> int:
    """Print the bandwidth once a second."""
    with open_node(args) as node:
        topic, kind = _wait_for_topic(node, args)
        statistics = BandwidthStatistics(args.window)
        _subscribe(node, args, topic, kind, lambda data: statistics.add(len(data), time.monotonic()), raw=True)
        print(f"Subscribed to [{topic}]", flush=True)
        return _report(node, lambda: statistics.report(time.monotonic()))


def main_delay(args: argparse.Namespace) -> int:
    """Print the age of messages on arrival, by their header's stamp, once a second."""
    with open_node(args) as node:
        topic, kind = _wait_for_topic(node, args)
        if "header" not in kind.get_fields_and_field_types():
            return fail("msg does not have header")
        statistics = DelayStatistics(args.window)

        def arrived(message: Any) -> None:
            age = node.get_clock().now() - Time.from_msg(message.header.stamp, clock_type=ClockType.ROS_TIME)
            statistics.add(age.nanoseconds * 1e-9)

        _subscribe(node, args, topic, kind, arrived, raw=False)
        return _report(node, statistics.report)


def _wait_for_topic(node: Node, args: argparse.Namespace) -> tuple[str, Any]:
    topic = absolute(node, args.topic_name)
    if topic not in topic_types(node, True):
        print(f"WARNING: topic [{topic}] does not appear to be published yet", flush=True)
        spin_until(node, lambda: topic in topic_types(node, True))
    return topic, message_class(node, topic, None, verb="measure")


def _subscribe(node: Node, args: argparse.Namespace, topic: str, kind: Any, callback: Any, *, raw: bool) -> None:
    profile = for_topic(node, topic)
    # What was latched before we came says nothing about what comes now.
    profile.durability = DurabilityPolicy.VOLATILE
    if is_given(args):
        profile = profile_from(args, profile)
    node.create_subscription(kind, topic, callback, profile, raw=raw)


def _report(node: Node, text_of: Any) -> int:
    due = time.monotonic() + REPORT_S
    while True:
        spin_once(node, max(0.0, min(0.1, due - time.monotonic())))
        if time.monotonic() >= due:
            due += REPORT_S
            text = text_of()
            if text is not None:
                print(text, flush=True)


def _window(text: str) -> int:
    value = int(text)
    if value < 2:
        raise argparse.ArgumentTypeError("must be at least 2")
    return value
