"""``metadata.yaml`` of a bag: written as version 9 (Jazzy), read from version 4 on."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from rclpy.duration import Duration
from rclpy.qos import QoSProfile
from rclpy.time import Time

from rosbag2_py import qos
from rosbag2_py.options import STORAGE_ID

VERSION = 9
FILE_NAME = "metadata.yaml"
_ROOT = "rosbag2_bagfile_information"


@dataclass
class TopicMetadata:
    """A topic of a bag."""

    id: int = 0
    name: str = ""
    type: str = ""
    serialization_format: str = "cdr"
    offered_qos_profiles: list[QoSProfile] = field(default_factory=list)
    type_description_hash: str = ""


@dataclass
class TopicInformation:
    """A topic and how many messages it has."""

    topic_metadata: TopicMetadata
    message_count: int = 0


@dataclass
class FileInformation:
    """One file of a bag; times in nanoseconds."""

    path: str
    starting_time_ns: int = 0
    duration_ns: int = 0
    message_count: int = 0

    @property
    def starting_time(self) -> Time:
        """Time of the first message."""
        return Time(nanoseconds=self.starting_time_ns)

    @property
    def duration(self) -> Duration:
        """Time from the first message to the last."""
        return Duration(nanoseconds=self.duration_ns)


@dataclass
class BagMetadata:
    """All that is known of a bag without reading its messages; times in nanoseconds, sizes in bytes."""

    version: int = VERSION
    bag_size: int = 0
    storage_identifier: str = STORAGE_ID
    relative_file_paths: list[str] = field(default_factory=list)
    files: list[FileInformation] = field(default_factory=list)
    duration_ns: int = 0
    starting_time_ns: int = 0
    message_count: int = 0
    topics_with_message_count: list[TopicInformation] = field(default_factory=list)
    compression_format: str = ""
    compression_mode: str = ""
    custom_data: dict[str, str] = field(default_factory=dict)
    ros_distro: str = ""

    @property
    def starting_time(self) -> Time:
        """Time of the first message."""
        return Time(nanoseconds=self.starting_time_ns)

    @property
    def duration(self) -> Duration:
        """Time from the first message to the last."""
        return Duration(nanoseconds=self.duration_ns)


def combine(files: list[FileInformation], topics: list[TopicInformation], custom_data: dict[str, str]) -> BagMetadata:
    """Return the metadata of a bag that consists of these files."""
    filled = [f for f in files if f.message_count]
    start = min((f.starting_time_ns for f in filled), default=0)
    end = max((f.starting_time_ns + f.duration_ns for f in filled), default=start)
    return BagMetadata(
        relative_file_paths=[f.path for f in files], files=files, duration_ns=end - start, starting_time_ns=start,
        message_count=sum(f.message_count for f in files), topics_with_message_count=topics,
        custom_data=dict(custom_data), ros_distro=os.environ.get("ROS_DISTRO", "jazzy"))


def to_plain(metadata: BagMetadata) -> dict[str, Any]:
    """Return what stands in the file below its root key."""
    return {
        "version": metadata.version,
        "storage_identifier": metadata.storage_identifier,
        "duration": {"nanoseconds": metadata.duration_ns},
        "starting_time": {"nanoseconds_since_epoch": metadata.starting_time_ns},
        "message_count": metadata.message_count,
        "topics_with_message_count": [
            {
                "topic_metadata": {
                    "name": t.topic_metadata.name,
                    "type": t.topic_metadata.type,
                    "serialization_format": t.topic_metadata.serialization_format,
                    "offered_qos_profiles": qos.to_plain(t.topic_metadata.offered_qos_profiles),
                    "type_description_hash": t.topic_metadata.type_description_hash,
                },
                "message_count": t.message_count,
            } for t in metadata.topics_with_message_count
        ],
        "compression_format": metadata.compression_format,
        "compression_mode": metadata.compression_mode,
        "relative_file_paths": list(metadata.relative_file_paths),
        "files": [
            {
                "path": f.path,
                "starting_time": {"nanoseconds_since_epoch": f.starting_time_ns},
                "duration": {"nanoseconds": f.duration_ns},
                "message_count": f.message_count,
            } for f in metadata.files
        ],
        "custom_data": metadata.custom_data or None,
        "ros_distro": metadata.ros_distro,
    }


def write_metadata(folder: Path, metadata: BagMetadata) -> None:
    """Write ``metadata.yaml`` into the bag's folder, all or nothing."""
    text = yaml.safe_dump({_ROOT: to_plain(metadata)}, sort_keys=False, allow_unicode=True)
    temporary = folder / f".{FILE_NAME}.new"
    temporary.write_text(text)
    temporary.replace(folder / FILE_NAME)


def read_metadata(folder: Path) -> BagMetadata:
    """Return what the bag's ``metadata.yaml`` says; RuntimeError when it cannot be understood."""
    path = folder / FILE_NAME
    try:
        return _from_plain(yaml.safe_load(path.read_text())[_ROOT], folder)
    except (OSError, yaml.YAMLError) as error:
        raise RuntimeError(f"{path}: cannot be read: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RuntimeError(f"{path}: not the metadata of a bag: {error!r}; "
                           f"rebuild it with: ros2 bag reindex {folder}") from None


def _from_plain(root: dict[str, Any], folder: Path) -> BagMetadata:
    version = int(root["version"])
    if version > VERSION:
        raise ValueError(f"version {version} is newer than {VERSION}")
    paths = [Path(p).name if version < 4 else p for p in root["relative_file_paths"]]
    files = [
        FileInformation(f["path"], int(f["starting_time"]["nanoseconds_since_epoch"]),
                        int(f["duration"]["nanoseconds"]), int(f["message_count"]))
        for f in root.get("files") or []
    ]
    topics = []
    for index, entry in enumerate(root["topics_with_message_count"]):
        topic = entry["topic_metadata"]
        topics.append(TopicInformation(TopicMetadata(
            index, topic["name"], topic["type"], topic.get("serialization_format", "cdr"),
            qos.from_plain(topic.get("offered_qos_profiles")), topic.get("type_description_hash", "")),
            int(entry["message_count"])))
    return BagMetadata(
        version=version,
        bag_size=sum((folder / p).stat().st_size for p in paths if (folder / p).is_file()),
        storage_identifier=root["storage_identifier"],
        relative_file_paths=paths,
        files=files,
        duration_ns=int(root["duration"]["nanoseconds"]),
        starting_time_ns=int(root["starting_time"]["nanoseconds_since_epoch"]),
        message_count=int(root["message_count"]),
        topics_with_message_count=topics,
        compression_format=root.get("compression_format") or "",
        compression_mode=root.get("compression_mode") or "",
        custom_data=dict(root.get("custom_data") or {}),
        ros_distro=root.get("ros_distro") or "",
    )
