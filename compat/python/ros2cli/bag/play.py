"""``ros2 bag play``: publish what was recorded, at the pace it was recorded."""

from __future__ import annotations

import argparse
import re
import time
from dataclasses import dataclass, field
from typing import Any

import rclpy
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.time import Time
from rosbag2_py import SequentialReader, StorageFilter, StorageOptions
from rosbag2_py.qos import for_publisher
from rosgraph_msgs.msg import Clock as ClockMessage
from rosidl_runtime_py.utilities import get_message
from std_srvs.srv import Trigger

from ros2cli.bag.record import read_overrides, readable_file
from ros2cli.errors import NotSupported
from ros2cli.graph import open_node, spin_once, spin_until

DEFAULT_CLOCK_HZ = 40.0
#: While busy, services are looked after at least so often, in seconds.
SERVE_S = 0.05
_UNSUPPORTED = ("--services", "--exclude-services", "--publish-service-requests", "--storage-config-file",
                "--clock-topics", "--message-order")


@dataclass
class PlayOptions:
    """How to play; times in nanoseconds of the bag unless said otherwise."""

    rate: float = 1.0
    loop: bool = False
    start_offset_ns: int = 0
    duration_ns: int | None = None
    until_ns: int | None = None
    clock_hz: float = 0.0
    clock_with_messages: bool = False
    paused: bool = False
    topics: StorageFilter = field(default_factory=StorageFilter)
    remap: dict[str, str] = field(default_factory=dict)
    overrides: dict[str, QoSProfile] = field(default_factory=dict)


class PlayClock:
    """Maps the bag's time to the steady clock, with a rate, and stands still while paused."""

    def __init__(self, rate: float, paused: bool) -> None:
        self.rate = rate
        self.paused = paused
        self._bag_ns = 0
        self._steady_s = 0.0

    def start(self, bag_ns: int, steady_s: float) -> None:
        """Let the bag's time be `bag_ns` now."""
        self._bag_ns, self._steady_s = bag_ns, steady_s

    def now_ns(self, steady_s: float) -> int:
        """Return the bag's time."""
        if self.paused:
            return self._bag_ns
        return self._bag_ns + round((steady_s - self._steady_s) * self.rate * 1e9)

    def wait_s(self, bag_ns: int, steady_s: float) -> float:
        """Return how long it will be until the bag's time is `bag_ns`; negative when it has passed."""
        if self.paused:
            return float("inf")
        return (bag_ns - self.now_ns(steady_s)) * 1e-9 / self.rate

    def set_paused(self, paused: bool, steady_s: float) -> None:
        """Stop or go on."""
        self.start(self.now_ns(steady_s), steady_s)
        self.paused = paused


class Player:
    """Plays one bag on a node, in one thread: publishes, keeps the clock and answers the services in turns.

    Services ``~/pause`` and ``~/resume`` are of type std_srvs/srv/Trigger (upstream has types of its own).
    """

    def __init__(self, node: Node, reader: SequentialReader, options: PlayOptions) -> None:
        self._node = node
        self._reader = reader
        self._options = options
        self._clock = PlayClock(options.rate, options.paused)
        self._publishers: dict[str, Any] = {}
        self._clock_publisher = None
        self._clock_due_s = 0.0
        self._served_s = 0.0
        self._create_publishers()
        node.create_service(Trigger, "~/pause", lambda q, r: self._set_paused(True, r))
        node.create_service(Trigger, "~/resume", lambda q, r: self._set_paused(False, r))

    def wait_for_subscriptions(self, timeout_s: float) -> bool:
        """Wait until each topic has a subscriber; returns whether it came to that in time."""
        return spin_until(self._node, lambda: all(
            p.get_subscription_count() > 0 for p in self._publishers.values()), timeout_s)

    def hold(self, delay_s: float) -> None:
        """Wait, with the clock at the beginning: who follows it is there before the first message comes."""
        begin_ns, _ = self._window()
        end = time.monotonic() + delay_s
        while time.monotonic() < end:
            if self._clock_publisher is not None:
                self._publish_clock(begin_ns)
            spin_once(self._node, 0.05)

    def play(self) -> int:
        """Play to the end (for ever with `loop`); returns the number of messages published."""
        begin_ns, end_ns = self._window()
        count = 0
        while True:
            self._reader.seek(begin_ns)
            self._clock.start(begin_ns, time.monotonic())
            count += self._play_once(end_ns)
            if not self._options.loop or count == 0:
                break
        for publisher in self._publishers.values():
            publisher.wait_for_all_acked(Duration(seconds=1))
        return count

    def _window(self) -> tuple[int, int | None]:
        metadata, options = self._reader.get_metadata(), self._options
        begin = metadata.starting_time_ns + options.start_offset_ns
        ends = [end for end in (None if options.duration_ns is None else begin + options.duration_ns,
                                options.until_ns) if end is not None]
        return begin, min(ends) if ends else None

    def _play_once(self, end_ns: int | None) -> int:
        count = 0
        while self._reader.has_next():
            topic, data, stamp_ns = self._reader.read_next()
            if end_ns is not None and stamp_ns > end_ns:
                break
            self._wait_until(stamp_ns)
            if self._options.clock_with_messages:
                self._publish_clock(stamp_ns)
            self._publishers[topic].publish(data)
            count += 1
        if self._clock_publisher is not None:
            self._publish_clock(self._clock.now_ns(time.monotonic()))
        return count

    def _wait_until(self, stamp_ns: int) -> None:
        """Return when a message is due, looking after clock and services meanwhile."""
        while True:
            now_s = time.monotonic()
            if self._clock_publisher is not None and self._options.clock_hz > 0 and now_s >= self._clock_due_s:
                self._publish_clock(min(self._clock.now_ns(now_s), stamp_ns))
                self._clock_due_s = max(self._clock_due_s + 1.0 / self._options.clock_hz, now_s)
            wait_s = self._clock.wait_s(stamp_ns, now_s)
            if now_s - self._served_s > SERVE_S:
                self._served_s = now_s
                spin_once(self._node, 0.0)
                continue
            if wait_s <= 0:
                return
            until_clock_s = self._clock_due_s - now_s if self._options.clock_hz > 0 else SERVE_S
            time.sleep(max(0.0, min(wait_s, until_clock_s, SERVE_S)))

    def _publish_clock(self, stamp_ns: int) -> None:
        self._clock_publisher.publish(ClockMessage(clock=Time(nanoseconds=stamp_ns).to_msg()))

    def _set_paused(self, paused: bool, response: Trigger.Response) -> Trigger.Response:
        self._clock.set_paused(paused, time.monotonic())
        response.success = True
        response.message = "paused" if paused else "playing"
        return response

    def _create_publishers(self) -> None:
        options, log = self._options, self._node.get_logger()
        own_clock = options.clock_hz > 0 or options.clock_with_messages
        playable = []
        for topic in self._reader.get_all_topics_and_types():
            if not options.topics.accepts(topic.name):
                continue
            name = options.remap.get(topic.name, topic.name)
            if own_clock and name == "/clock":
                log.warning("the recorded /clock is not played, because --clock publishes one")
                continue
            try:
                kind = get_message(topic.type)
            except (AttributeError, ModuleNotFoundError, ValueError):
                log.warning(f"Ignoring a topic '{topic.name}', reason: unknown type '{topic.type}'")
                continue
            profile = options.overrides.get(name) or for_publisher(topic.offered_qos_profiles)
            self._publishers[topic.name] = self._node.create_publisher(kind, name, profile)
            playable.append(topic.name)
        if own_clock:
            profile = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
            self._clock_publisher = self._node.create_publisher(ClockMessage, "/clock", profile)
        # A filter without topics would mean all of them.
        self._reader.set_filter(StorageFilter(topics=playable or ["/"]))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``play``."""
    parser.add_argument("bag_path", nargs="?", help="folder of the bag, or an .mcap file")
    parser.add_argument("-i", "--input", metavar="BAG", help="the same as bag_path")
    parser.add_argument("-s", "--storage", default="", choices=["", "mcap", "sqlite3"], help="storage format")
    parser.add_argument("-r", "--rate", type=_positive, default=1.0, help="speed, relative to the recording")
    parser.add_argument("--topics", nargs="+", default=[], metavar="TOPIC", help="only these topics")
    parser.add_argument("-e", "--regex", default="", help="only topics whose name matches")
    parser.add_argument("--exclude-topics", nargs="+", default=[], metavar="TOPIC", help="but not these topics")
    parser.add_argument("-x", "--exclude-regex", default="", help="nor those that match")
    parser.add_argument("-m", "--remap", nargs="+", default=[], metavar="OLD:=NEW", help="play under other names")
    parser.add_argument("-l", "--loop", action="store_true", help="start again at the end")
    parser.add_argument("-d", "--delay", type=_not_negative, default=0.0, metavar="SECONDS", help="wait before")
    parser.add_argument("--start-offset", type=_not_negative, default=0.0, metavar="SECONDS",
                        help="begin so far into the bag")
    parser.add_argument("--playback-duration", type=float, default=-1.0, metavar="SECONDS",
                        help="end after so much of the bag")
    parser.add_argument("--playback-until-sec", type=float, default=-1.0, metavar="SECONDS", help="end at this stamp")
    parser.add_argument("--clock", type=_positive, nargs="?", const=DEFAULT_CLOCK_HZ, default=0.0, metavar="HZ",
                        help=f"publish /clock (default: {DEFAULT_CLOCK_HZ:.0f} Hz)")
    parser.add_argument("--clock-topics-all", action="store_true", help="publish /clock before each message")
    parser.add_argument("-p", "--start-paused", action="store_true",
                        help="wait for the service ~/resume (std_srvs/srv/Trigger)")
    parser.add_argument("--wait-for-subscriptions", type=_positive, metavar="SECONDS",
                        help="begin when each topic has a subscriber, at latest after so long (not in upstream)")
    parser.add_argument("--qos-profile-overrides-path", type=readable_file, metavar="FILE",
                        help="QoS profiles by topic, in YAML")
    parser.add_argument("--node-name", default="rosbag2_player", help="name of the playing node")
    for option, text in (("--disable-keyboard-controls", "accepted; there are none"),
                         ("--disable-loan-message", "accepted; there are none")):
        parser.add_argument(option, action="store_true", help=text)
    parser.add_argument("--read-ahead-queue-size", type=int, help="accepted; chunks are read ahead")
    parser.add_argument("--wait-for-all-acked", type=int, help="accepted; up to 1 s is waited at the end")
    for option in _UNSUPPORTED:
        parser.add_argument(option, dest="unsupported", action=_Refuse, nargs="*", help=argparse.SUPPRESS)


class _Refuse(argparse.Action):
    def __call__(self, parser, namespace, values, option_string=None) -> None:
        raise NotSupported(f"'ros2 bag play {option_string}'")


def main(args: argparse.Namespace) -> int:
    """Play a bag."""
    uri = args.input or args.bag_path
    if uri is None:
        raise RuntimeError("name the bag to play")
    options = _options(args)
    with SequentialReader() as reader:
        reader.open(StorageOptions(uri=uri, storage_id=args.storage))
        with open_node(args, args.node_name, discover=False) as node:
            player = Player(node, reader, options)
            if args.wait_for_subscriptions and not player.wait_for_subscriptions(args.wait_for_subscriptions):
                node.get_logger().warning("some topics have no subscriber; playing all the same")
            try:
                player.hold(args.delay)
                player.play()
            except KeyboardInterrupt:
                rclpy.logging.get_logger(args.node_name).info("Playback stopped")
    return 0


def _options(args: argparse.Namespace) -> PlayOptions:
    for pattern in (args.regex, args.exclude_regex):
        try:
            re.compile(pattern)
        except re.error as error:
            raise RuntimeError(f"invalid regular expression '{pattern}': {error}") from None
    remap = {}
    for rule in args.remap:
        old, arrow, new = rule.partition(":=")
        if not arrow or not old or not new:
            raise RuntimeError(f"--remap takes OLD:=NEW, not '{rule}'")
        remap["/" + old.lstrip("/")] = "/" + new.lstrip("/")
    return PlayOptions(
        rate=args.rate, loop=args.loop, start_offset_ns=round(args.start_offset * 1e9),
        duration_ns=round(args.playback_duration * 1e9) if args.playback_duration >= 0 else None,
        until_ns=round(args.playback_until_sec * 1e9) if args.playback_until_sec >= 0 else None,
        clock_hz=args.clock, clock_with_messages=args.clock_topics_all, paused=args.start_paused,
        topics=StorageFilter(topics=["/" + t.lstrip("/") for t in args.topics], regex=args.regex,
                             exclude_topics=["/" + t.lstrip("/") for t in args.exclude_topics],
                             regex_to_exclude=args.exclude_regex),
        remap=remap, overrides=read_overrides(args.qos_profile_overrides_path))


def _positive(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{text} is not greater than 0")
    return value


def _not_negative(text: str) -> float:
    value = float(text)
    if not value >= 0:
        raise argparse.ArgumentTypeError(f"{text} is negative")
    return value
