"""``ros2 bag info`` and ``reindex``."""

from __future__ import annotations

import argparse
import time

from rosbag2_py import BagMetadata, Info, Reindexer, StorageOptions

_INDENT = 19


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``info``."""
    parser.add_argument("bag_path", help="folder of the bag, or an .mcap file")
    parser.add_argument("-s", "--storage", default="", choices=["", "mcap", "sqlite3"], help="storage format")
    parser.add_argument("-t", "--topic-name", action="store_true", help="only the names of the topics")
    parser.add_argument("-v", "--verbose", action="store_true", help="also the QoS that publishers offered")


def main(args: argparse.Namespace) -> int:
    """Print what is in a bag."""
    metadata = Info().read_metadata(args.bag_path, args.storage)
    if args.topic_name:
        for topic in metadata.topics_with_message_count:
            print(topic.topic_metadata.name)
    else:
        print(describe(metadata, args.verbose))
    return 0


def describe(metadata: BagMetadata, verbose: bool = False) -> str:
    """Return the text of ``ros2 bag info``."""
    start, end = metadata.starting_time_ns, metadata.starting_time_ns + metadata.duration_ns
    lines = [
        _field("Files:", ("\n" + " " * _INDENT).join(metadata.relative_file_paths)),
        _field("Bag size:", _size(metadata.bag_size)),
        _field("Storage id:", metadata.storage_identifier),
        _field("ROS Distro:", metadata.ros_distro or "unknown"),
        _field("Duration:", f"{_seconds(metadata.duration_ns)}s"),
        _field("Start:", _date(start)),
        _field("End:", _date(end)),
        _field("Messages:", str(metadata.message_count)),
        _field("Topic information:", ("\n" + " " * _INDENT).join(
            _topic(t, verbose) for t in sorted(metadata.topics_with_message_count,
                                               key=lambda t: t.topic_metadata.name))),
    ]
    if metadata.custom_data:
        lines.append(_field("Custom data:", ", ".join(f"{k}={v}" for k, v in metadata.custom_data.items())))
    return "\n" + "\n".join(lines) + "\n"


def _field(label: str, value: str) -> str:
    return f"{label:<{_INDENT}}{value}"


def _topic(topic, verbose: bool) -> str:
    data = topic.topic_metadata
    text = (f"Topic: {data.name} | Type: {data.type} | Count: {topic.message_count} | "
            f"Serialization Format: {data.serialization_format}")
    if verbose:
        profiles = ", ".join(f"{p.reliability.name.lower()}/{p.durability.name.lower()}/depth {p.depth}"
                             for p in data.offered_qos_profiles)
        text += f" | Offered QoS: {profiles or 'unknown'}"
    return text


def _seconds(nanoseconds: int) -> str:
    whole, rest = divmod(nanoseconds, 1_000_000_000)
    return f"{whole}.{rest:09d}"


def _date(nanoseconds: int) -> str:
    whole, rest = divmod(nanoseconds, 1_000_000_000)
    text = time.strftime("%b %e %Y %H:%M:%S", time.localtime(whole))
    return f"{text}.{rest:09d} ({_seconds(nanoseconds)})"


def _size(size: int) -> str:
    value = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024 or unit == "GiB":
            break
        value /= 1024
    return f"{size} B" if unit == "B" else f"{value:.1f} {unit}"


def add_reindex_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``reindex``."""
    parser.add_argument("bag_path", help="folder of the bag")
    parser.add_argument("-s", "--storage", default="", choices=["", "mcap", "sqlite3"], help="storage format")


def main_reindex(args: argparse.Namespace) -> int:
    """Complete a bag that was cut off."""
    Reindexer().reindex(StorageOptions(uri=args.bag_path, storage_id=args.storage))
    return 0
