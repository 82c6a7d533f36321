"""What ``walkout doctor`` looks at. Every check returns findings: what is so, how bad that is, and what to do."""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import os
import platform
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from walkout.ros.process_environment import PROFILES
from walkout.ros.shared_memory import SHARED_MEMORY, leaked_segments, size_of
from walkout.ros.supervision import Level

STAND_INS = (
    "launch",
    "launch_ros",
    "tf2_ros",
    "tf2_py",
    "tf2_geometry_msgs",
    "message_filters",
    "cv_bridge",
    "rosidl_runtime_py",
    "rosbag2_py",
    "ros2cli",
)
SEGMENT_LEAST = 16 * 2**20
SHARED_ROOM_LEAST = 512 * 2**20
DISK_LOW, DISK_LEAST = 2 * 2**30, 200 * 2**20
_CARD_SUM = re.compile(r"SHA-256[^0-9a-f]*([0-9a-f]{64})")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; ``remedy`` is empty when nothing need be done."""

    check: str
    level: Level
    text: str
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        """Return it for JSON."""
        return asdict(self) | {"level": self.level.name}


def distribution() -> Iterator[Finding]:
    """Look at which ROS this is."""
    name = os.environ.get("ROS_DISTRO", "")
    try:
        wheels = importlib.metadata.version("ros-jazzy-rclpy")
    except importlib.metadata.PackageNotFoundError:
        wheels = ""
    where = f"ROS 2 {name} of this machine" if name else f"ROS 2 Jazzy as Python wheels (rclpy {wheels or 'unknown'})"
    rmw = importlib.import_module("rclpy").get_rmw_implementation_identifier()
    text = f"{where}, {rmw}, Python {platform.python_version()}"
    if rmw != "rmw_fastrtps_cpp":
        remedy = f"unset RMW_IMPLEMENTATION, or give {rmw} large shared memory yourself: config/fastdds.xml is not read"
        yield Finding("distribution", Level.WARN, text, remedy)
    else:
        yield Finding("distribution", Level.OK, text)


def stand_ins(names: Iterable[str] = STAND_INS) -> Iterator[Finding]:
    """Look at which upstream modules are played by compat/."""
    played, missing = [], []
    for name in names:
        try:
            module = importlib.import_module(name)
        except ImportError:
            missing.append(name)
            continue
        if getattr(module, "__standin__", False):
            played.append(name)
    if missing:
        yield Finding("stand-ins", Level.ERROR, f"not importable: {', '.join(missing)}", "run make setup")
    text = (
        f"from compat/, as ROS is not installed: {', '.join(played)}" if played else "none: all modules are ROS's own"
    )
    yield Finding("stand-ins", Level.OK, text)


def profile(environment: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """Look at whether pictures have room in shared memory."""
    path = environment.get(PROFILES, "")
    remedy = "source env.sh, which sets it to config/fastdds.xml"
    if not path:
        yield Finding("transport", Level.WARN, f"{PROFILES} is not set: pictures are cut up and lost", remedy)
        return
    if not Path(path).is_file():
        yield Finding("transport", Level.ERROR, f"{PROFILES} names {path}, which does not exist", remedy)
        return
    sizes = [int(size) for size in re.findall(r"<segment_size>\s*(\d+)", Path(path).read_text(encoding="utf-8"))]
    if max(sizes, default=0) < SEGMENT_LEAST:
        text = f"{path}: its shared-memory segment is smaller than a few pictures"
        yield Finding("transport", Level.WARN, text, remedy)
    else:
        yield Finding("transport", Level.OK, f"shared memory of {max(sizes) / 2**20:.0f} MiB per process ({path})")


def shared_memory(folder: Path = SHARED_MEMORY) -> Iterator[Finding]:
    """Look at the room in /dev/shm and at what killed processes have left there."""
    if not folder.is_dir():
        yield Finding("shared memory", Level.ERROR, f"{folder} does not exist", "mount a tmpfs there")
        return
    free = shutil.disk_usage(folder).free
    level = Level.OK if free >= SHARED_ROOM_LEAST else Level.ERROR
    remedy = "" if level is Level.OK else "in a container: start it with --shm-size=2g or --ipc=host"
    yield Finding("shared memory", level, f"{free / 2**30:.1f} GiB free in {folder}", remedy)
    count, size = size_of(leaked_segments(folder))
    if count:
        text = f"{count} segments of processes that were killed hold {size / 2**20:.0f} MiB"
        yield Finding("shared memory", Level.WARN, text, "walkout doctor --clean, or start the store: it cleans them")


def discovery(environment: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """Look at how far the graph can be seen."""
    reach = environment.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "SUBNET")
    domain = environment.get("ROS_DOMAIN_ID", "0")
    peers = environment.get("ROS_STATIC_PEERS", "")
    text = f"range {reach}, domain {domain}" + (f", peers {peers}" if peers else "")
    if environment.get("ROS_LOCALHOST_ONLY") == "1":
        yield Finding("discovery", Level.OK, f"ROS_LOCALHOST_ONLY, domain {domain}")
    elif reach not in ("LOCALHOST", "OFF", "SUBNET", "SYSTEM_DEFAULT"):
        remedy = "set ROS_AUTOMATIC_DISCOVERY_RANGE to LOCALHOST or SUBNET"
        yield Finding("discovery", Level.ERROR, f"{text}: no such range", remedy)
    elif reach == "SUBNET":
        remedy = "set ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST, unless the store runs on several machines"
        yield Finding("discovery", Level.WARN, f"{text}: everybody on the network can read the cameras", remedy)
    elif reach == "OFF":
        remedy = "set ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST"
        yield Finding("discovery", Level.ERROR, f"{text}: the nodes cannot find each other", remedy)
    else:
        yield Finding("discovery", Level.OK, text)


def models(folder: Path) -> Iterator[Finding]:
    """Compare every model with the SHA-256 of its card."""
    files = sorted(folder.glob("*.onnx"))
    if not files:
        yield Finding("models", Level.ERROR, f"no model in {folder}", "walkout train detector")
    for file in files:
        card = file.with_suffix(".md")
        told = _CARD_SUM.search(card.read_text(encoding="utf-8")) if card.is_file() else None
        if told is None:
            yield Finding("models", Level.WARN, f"{file.name}: no card with a SHA-256 beside it", "restore its card")
        elif hashlib.sha256(file.read_bytes()).hexdigest() != told[1]:
            text = f"{file.name} is not the file that its card describes (SHA-256 differs)"
            yield Finding("models", Level.ERROR, text, f"git checkout -- {file.name}, or train it anew")
        else:
            yield Finding("models", Level.OK, f"{file.name} is the file of its card")


def disk(folders: Iterable[Path]) -> Iterator[Finding]:
    """Look at the room for the ledger, recordings and logs."""
    seen: set[int] = set()
    for folder in folders:
        there = next(parent for parent in (folder, *folder.parents) if parent.exists())
        device = there.stat().st_dev
        if device in seen:
            continue
        seen.add(device)
        free = shutil.disk_usage(there).free
        level = Level.ERROR if free < DISK_LEAST else Level.WARN if free < DISK_LOW else Level.OK
        remedy = "" if level is Level.OK else "make room: without it no receipt can be written down"
        yield Finding("disk", level, f"{free / 2**30:.1f} GiB free at {there}", remedy)
        if not os.access(there, os.W_OK):
            yield Finding("disk", Level.ERROR, f"{there} cannot be written to", "give this user the right to")
