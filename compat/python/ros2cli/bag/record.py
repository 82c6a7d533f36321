"""``ros2 bag record``: write topics to a bag."""

from __future__ import annotations

import argparse
import contextlib
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import rclpy
import rclpy.logging
import yaml
from rclpy.logging import LoggingSeverity
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.time import Time
from rosbag2_py import ConverterOptions, SequentialWriter, StorageOptions, TopicMetadata
from rosbag2_py.options import PRESETS
from rosbag2_py.qos import for_subscription, profiles_from
from rosgraph_msgs.msg import Clock as ClockMessage
from rosidl_runtime_py.utilities import get_message

from ros2cli.errors import NotSupported
from ros2cli.graph import is_hidden, open_node

#: Seconds between looks into the subscriptions, and for how long existing topics may take to be discovered.
TAKE_S, DISCOVERY_S = 0.005, 4.0

#: Options of upstream that would change what is recorded and that this stand-in lacks: flags, lists and values.
_NO_FLAGS = ("--all-services", "--all-actions", "--snapshot-mode")
_NO_LISTS = ("--services", "--exclude-services", "--actions", "--repeat-transient-local")
_NO_VALUES = ("--storage-config-file", "--compression-mode", "--compression-format")

#: An option that leaves topics or services out needs one of these beside it.
_INCLUSIVE = {
    "--exclude-regex": ("--all", "--all-topics", "--topic-types", "--all-services", "--regex"),
    "--exclude-topics": ("--all", "--all-topics", "--topic-types", "--regex"),
    "--exclude-topic-types": ("--all", "--all-topics", "--regex"),
    "--exclude-services": ("--all", "--all-services", "--regex"),
}


@dataclass(frozen=True)
class Selection:
    """Which topics to record."""

    topics: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    regex: str = ""
    everything: bool = False
    exclude_topics: tuple[str, ...] = ()
    exclude_types: tuple[str, ...] = ()
    exclude_regex: str = ""
    include_hidden: bool = False
    include_unpublished: bool = False

    def accepts(self, topic: str, type_name: str) -> bool:
        """Return whether to record a topic of a type."""
        if topic in self.exclude_topics or type_name in self.exclude_types:
            return False
        if self.exclude_regex and re.search(self.exclude_regex, topic):
            return False
        if topic in self.topics:
            return True
        if is_hidden(topic) and not self.include_hidden:
            return False
        return bool(self.everything or type_name in self.types or (self.regex and re.search(self.regex, topic)))


@dataclass
class _Recording:
    subscription: Any
    profile: QoSProfile


@dataclass
class Recorder:
    """Subscribes to what is selected, as it appears, and hands the serialised messages to the writer.

    A subscription asks for reliable or latched delivery only while all publishers offer it, so it hears each of them.
    The node is not spun: `take` empties the subscriptions. An executor would wake up and look at all of them for every
    single message, while the time of arrival is the middleware's, so that nothing is lost by looking a little later.
    """

    node: Node
    writer: SequentialWriter
    selection: Selection
    overrides: dict[str, QoSProfile] = field(default_factory=dict)
    use_sim_time: bool = False
    _recordings: dict[str, _Recording] = field(default_factory=dict)
    _clock: Any = None
    _sim_now_ns: int = 0
    _refused: set[str] = field(default_factory=set)

    def discover(self) -> None:
        """Subscribe to selected topics that are new; follow publishers whose offers have changed."""
        for topic, types in sorted(self.node.get_topic_names_and_types()):
            if topic in self._refused or not self.selection.accepts(topic, types[0]):
                continue
            offered = [info.qos_profile for info in self.node.get_publishers_info_by_topic(topic)]
            if not offered and not self.selection.include_unpublished:
                continue
            profile = self.overrides.get(topic) or for_subscription(offered, depth=200)
            known = self._recordings.get(topic)
            if known is None:
                self._start(topic, types, offered, profile)
            elif offered and _weaker(profile, known.profile):
                self.node.destroy_subscription(known.subscription)
                known.subscription = self._subscribe(topic, get_message(types[0]), profile)
                known.profile = profile
                self.node.get_logger().warning(f"A new publisher of '{topic}' offers less; subscribed again to hear it")

    def take(self) -> int:
        """Write what has arrived; returns how many messages were taken."""
        if self.use_sim_time:
            self._take_clock()
        count = 0
        for topic, recording in self._recordings.items():
            for data, info in _taken(recording.subscription):
                self._write(topic, data, info)
                count += 1
        return count

    def _take_clock(self) -> None:
        if self._clock is None:
            profile = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
            self._clock = self.node.create_subscription(ClockMessage, "/clock", lambda _: None, profile)
        for message, _ in _taken(self._clock):
            self._sim_now_ns = Time.from_msg(message.clock).nanoseconds

    def _write(self, topic: str, data: bytes, info: dict[str, int]) -> None:
        if not self.use_sim_time:
            now_ns = info["received_timestamp"] or time.time_ns()
            self.writer.write(topic, data, now_ns, info["source_timestamp"] or now_ns)
        elif self._sim_now_ns > 0:
            # Before the first /clock there is no time to stamp a message with.
            self.writer.write(topic, data, self._sim_now_ns)

    @property
    def topics(self) -> list[str]:
        """The topics that are being recorded."""
        return sorted(self._recordings)

    def _start(self, topic: str, types: list[str], offered: list[QoSProfile], profile: QoSProfile) -> None:
        log = self.node.get_logger()
        if len(types) > 1:
            log.warning(f"Topic '{topic}' has more than one type ({', '.join(types)}); it is not recorded")
            self._refused.add(topic)
            return
        try:
            kind = get_message(types[0])
        except (AttributeError, ModuleNotFoundError, ValueError):
            log.warning(f"Topic '{topic}' has unknown type '{types[0]}'; it is not recorded")
            self._refused.add(topic)
            return
        self.writer.create_topic(TopicMetadata(name=topic, type=types[0], offered_qos_profiles=offered))
        self._recordings[topic] = _Recording(self._subscribe(topic, kind, profile), profile)
        log.info(f"Subscribed to topic '{topic}'")

    def _subscribe(self, topic: str, kind: Any, profile: QoSProfile) -> Any:
        return self.node.create_subscription(kind, topic, lambda _: None, profile, raw=True)


def _taken(subscription: Any) -> Iterator[tuple[Any, dict[str, int]]]:
    """Yield what waits in a subscription, with the times of sending and arrival."""
    with subscription.handle:
        while True:
            found = subscription.handle.take_message(subscription.msg_type, subscription.raw)
            if found is None:
                return
            yield found


def _weaker(new: QoSProfile, old: QoSProfile) -> bool:
    return ((new.reliability == ReliabilityPolicy.BEST_EFFORT and old.reliability == ReliabilityPolicy.RELIABLE)
            or (new.durability == DurabilityPolicy.VOLATILE and old.durability == DurabilityPolicy.TRANSIENT_LOCAL))


def read_overrides(path: str | None) -> dict[str, QoSProfile]:
    """Return topic -> profile from a YAML file of QoS overrides."""
    if path is None:
        return {}
    try:
        return profiles_from(yaml.safe_load(Path(path).read_text()))
    except OSError as error:
        raise RuntimeError(f"{path}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise RuntimeError(f"{path}: not a file of QoS profile overrides: {error}") from None
    except ValueError as error:
        raise RuntimeError(f"{error} ({path})") from None


def readable_file(path: str) -> str:
    """Return the path of an argument that must be a file which can be read."""
    try:
        with open(path):
            return path
    except OSError as error:
        raise argparse.ArgumentTypeError(f"can't open '{path}': {error.strerror}") from None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``record``."""
    parser.add_argument("topics_positional", nargs="*", metavar="topic", help="topics to record")
    parser.add_argument("--topics", nargs="+", default=[], metavar="TOPIC", help="topics to record")
    parser.add_argument("--topic-types", nargs="+", default=[], metavar="TYPE", help="record topics of these types")
    parser.add_argument("-a", "--all", action="store_true", help="record all topics")
    parser.add_argument("--all-topics", action="store_true", help="record all topics")
    parser.add_argument("-e", "--regex", default="", help="record topics whose name matches")
    parser.add_argument("-x", "--exclude-regex", default="", help="but not those that match this")
    parser.add_argument("--exclude-topics", nargs="+", default=[], metavar="TOPIC", help="but not these topics")
    parser.add_argument("--exclude-topic-types", nargs="+", default=[], metavar="TYPE", help="nor these types")
    parser.add_argument("--include-hidden-topics", action="store_true", help="hidden topics as well")
    parser.add_argument("--include-unpublished-topics", action="store_true", help="topics without a publisher as well")
    parser.add_argument("--no-discovery", action="store_true", help="do not look for new topics while recording")
    parser.add_argument("-p", "--polling-interval", type=int, default=100, metavar="MS",
                        help="look for new topics every so many milliseconds (default: 100)")
    parser.add_argument("-o", "--output", metavar="DIR", help="folder of the bag (default: rosbag2_ and the time)")
    parser.add_argument("-s", "--storage", default="mcap", choices=["mcap"], help="storage format")
    parser.add_argument("-f", "--serialization-format", default="", choices=["", "cdr"], help="serialization format")
    parser.add_argument("-b", "--max-bag-size", type=int, default=0, metavar="BYTES", help="begin a new file after")
    parser.add_argument("-d", "--max-bag-duration", type=int, default=0, metavar="SECONDS",
                        help="begin a new file after")
    parser.add_argument("--max-cache-size", type=int, default=0, metavar="BYTES", help="accepted; nothing is cached")
    parser.add_argument("--storage-preset-profile", default="none", choices=PRESETS[1:],
                        help="zstd_fast and zstd_small compress; fastwrite writes no index")
    parser.add_argument("--qos-profile-overrides-path", type=readable_file, metavar="FILE",
                        help="QoS profiles by topic, in YAML")
    parser.add_argument("--use-sim-time", action="store_true",
                        help="stamp messages with /clock; nothing is written before its first message")
    parser.add_argument("--node-name", default="rosbag2_recorder", help="name of the recording node")
    parser.add_argument("--custom-data", nargs="+", default=[], metavar="KEY=VALUE", help="stored with the bag")
    parser.add_argument("--log-level", default="info", choices=["debug", "info", "warn", "error", "fatal"])
    for option in _NO_FLAGS:
        parser.add_argument(option, action="store_true", help=argparse.SUPPRESS)
    for option in _NO_LISTS:
        parser.add_argument(option, nargs="+", default=[], help=argparse.SUPPRESS)
    for option in _NO_VALUES:
        parser.add_argument(option, default="", help=argparse.SUPPRESS)


def mistake_in(args: argparse.Namespace, uri: str) -> str | None:
    """Return what is wrong with the arguments, None if nothing is."""
    if not any((args.topics, args.topics_positional, args.topic_types, args.all, args.all_topics, args.regex,
                args.services, args.all_services)):
        return "Need to specify at least one option out of --all, --all-topics, --topics, --topic-types or --regex"
    for option, inclusive in _INCLUSIVE.items():
        if _given(args, option) and not any(_given(args, other) for other in inclusive):
            return f"{option} argument requires either {', '.join(inclusive[:-1])} or {inclusive[-1]}"
    if Path(uri).exists():
        return f"Output folder '{uri}' already exists."
    return None


def _given(args: argparse.Namespace, option: str) -> Any:
    return getattr(args, option[2:].replace("-", "_"))


def main(args: argparse.Namespace) -> int:
    """Record until interrupted; the bag is complete then."""
    for option in (*_NO_FLAGS, *_NO_LISTS, *_NO_VALUES):
        if _given(args, option):
            raise NotSupported(f"'ros2 bag record {option}'")
    name = args.output or time.strftime("rosbag2_%Y_%m_%d-%H_%M_%S")
    mistake = mistake_in(args, name)
    if mistake:
        raise RuntimeError(mistake)
    selection = _selection(args)
    overrides = read_overrides(args.qos_profile_overrides_path)
    with open_node(argparse.Namespace(), args.node_name, discover=False) as node, SequentialWriter() as writer:
        rclpy.logging.set_logger_level(args.node_name, LoggingSeverity[args.log_level.upper()])
        writer.open(StorageOptions(
            uri=name, storage_id=args.storage, max_bagfile_size=args.max_bag_size,
            max_bagfile_duration=args.max_bag_duration, storage_preset_profile=args.storage_preset_profile,
            custom_data=_custom_data(args.custom_data)), ConverterOptions("cdr", "cdr"))
        recorder = Recorder(node, writer, selection, overrides, args.use_sim_time)
        with contextlib.suppress(KeyboardInterrupt):
            _run(recorder, args)
        with _unstoppable():
            recorder.take()
            writer.close()
        node.get_logger().info("Recording stopped")
    return 0


@contextlib.contextmanager
def _unstoppable() -> Iterator[None]:
    """Complete the bag whatever is sent meanwhile; only SIGKILL can prevent it."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _run(recorder: Recorder, args: argparse.Namespace) -> None:
    log = recorder.node.get_logger()
    log.info("Listening for topics...")
    log.info("Recording...")
    started = poll_due = flush_due = time.monotonic()
    while True:
        now = time.monotonic()
        # Discovery of what is there already takes a few seconds even when new topics are not wanted.
        if now >= poll_due and (not args.no_discovery or now - started < DISCOVERY_S):
            recorder.discover()
            poll_due = now + args.polling_interval * 1e-3
        if now >= flush_due:
            recorder.writer.flush()
            flush_due = now + 1.0
        if recorder.take() == 0:
            time.sleep(TAKE_S)


def _selection(args: argparse.Namespace) -> Selection:
    topics = tuple(dict.fromkeys("/" + t.lstrip("/") for t in [*args.topics_positional, *args.topics]))
    everything = args.all or args.all_topics
    if everything and (topics or args.regex):
        args.topics_positional, topics = [], ()
        print("[WARN] --all or --all-topics will override --topics and --regex")
    for pattern in (args.regex, args.exclude_regex):
        try:
            re.compile(pattern)
        except re.error as error:
            raise RuntimeError(f"invalid regular expression '{pattern}': {error}") from None
    return Selection(
        topics=topics, types=tuple(args.topic_types), regex="" if everything else args.regex, everything=everything,
        exclude_topics=tuple("/" + t.lstrip("/") for t in args.exclude_topics),
        exclude_types=tuple(args.exclude_topic_types), exclude_regex=args.exclude_regex,
        include_hidden=args.include_hidden_topics, include_unpublished=args.include_unpublished_topics)


def _custom_data(pairs: list[str]) -> dict[str, str]:
    data = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise RuntimeError(f"--custom-data takes KEY=VALUE, not '{pair}'")
        data[key] = value
    return data
