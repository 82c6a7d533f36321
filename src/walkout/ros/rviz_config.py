"""Check of an RViz configuration: RViz itself ignores misspelt keys and shows nothing where topic or QoS do not fit."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_COMMON = frozenset({"Class", "Name", "Enabled", "Value"})
_TOPIC = {
    "Value": None,
    "Depth": None,
    "Filter size": None,
    "History Policy": frozenset({"Keep Last", "Keep All", "System Default"}),
    "Reliability Policy": frozenset({"Reliable", "Best Effort", "System Default"}),
    "Durability Policy": frozenset({"Volatile", "Transient Local", "System Default"}),
}


@dataclass(frozen=True)
class DisplayClass:
    """What a class of displays takes: its own keys, and the type of the topic that it shows ("" if it shows none)."""

    keys: frozenset[str]
    message: str = ""


#: The classes that Walkout's configuration uses, and their neighbours, as RViz of ROS 2 Jazzy has them.
CLASSES = {
    "rviz_default_plugins/Grid": DisplayClass(
        frozenset(
            {
                "Alpha",
                "Cell Size",
                "Color",
                "Line Style",
                "Normal Cell Count",
                "Offset",
                "Plane",
                "Plane Cell Count",
                "Reference Frame",
            }
        )
    ),
    "rviz_default_plugins/Axes": DisplayClass(frozenset({"Alpha", "Length", "Radius", "Reference Frame"})),
    "rviz_default_plugins/MarkerArray": DisplayClass(
        frozenset({"Topic", "Namespaces"}), "visualization_msgs/msg/MarkerArray"
    ),
    "rviz_default_plugins/Marker": DisplayClass(frozenset({"Topic", "Namespaces"}), "visualization_msgs/msg/Marker"),
    "rviz_default_plugins/TF": DisplayClass(
        frozenset(
            {
                "Filter (blacklist)",
                "Filter (whitelist)",
                "Frame Timeout",
                "Frames",
                "Marker Scale",
                "Show Arrows",
                "Show Axes",
                "Show Names",
                "Tree",
                "Update Interval",
            }
        )
    ),
    "rviz_default_plugins/Image": DisplayClass(
        frozenset({"Max Value", "Median window", "Min Value", "Normalize Range", "Topic"}), "sensor_msgs/msg/Image"
    ),
    "rviz_default_plugins/Camera": DisplayClass(
        frozenset(
            {"Alpha", "Far Plane Distance", "Image Rendering", "Overlay Alpha", "Topic", "Visibility", "Zoom Factor"}
        ),
        "sensor_msgs/msg/Image",
    ),
}
TOOLS = frozenset(
    f"rviz_default_plugins/{name}"
    for name in (
        "FocusCamera",
        "Interact",
        "Measure",
        "MoveCamera",
        "PublishPoint",
        "Select",
        "SetGoal",
        "SetInitialPose",
    )
)
PANELS = frozenset(
    f"rviz_common/{name}"
    for name in ("Displays", "Help", "Selection", "Time", "Tool Properties", "Transformation", "Views")
)
VIEWS = frozenset(
    f"rviz_default_plugins/{name}" for name in ("FPS", "FrameAligned", "Orbit", "TopDownOrtho", "XYOrbit")
)


@dataclass(frozen=True)
class Offer:
    """What the graph has under a topic's name.

    Attributes:
        message: type, ``package/msg/Name``.
        reliable, latched: what every publisher offers.
        frames: frames of its messages, as far as any were seen.
        namespaces: namespaces of its markers, as far as any were seen.
    """

    message: str
    reliable: bool
    latched: bool
    frames: frozenset[str] = frozenset()
    namespaces: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Display:
    """One display of a configuration, out of its groups."""

    path: str
    settings: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """The display's class."""
        return str(self.settings.get("Class"))

    @property
    def topic(self) -> str:
        """The topic that it shows, empty if none."""
        topic = self.settings.get("Topic")
        return str(topic.get("Value", "")) if isinstance(topic, dict) else ""


@dataclass(frozen=True)
class RvizConfig:
    """A configuration's displays and what was wrong with the file itself."""

    fixed_frame: str
    displays: list[Display]
    mistakes: list[str] = field(default_factory=list)


def read(path: Path) -> RvizConfig:
    """Read a configuration and check classes, keys and values against the tables above. Raises ValueError."""
    manager = (yaml.safe_load(path.read_text()) or {}).get("Visualization Manager")
    if not isinstance(manager, dict):
        raise ValueError(f"{path}: no 'Visualization Manager'; not a configuration of RViz")
    displays = list(_displays(manager.get("Displays") or [], ""))
    frame = str(manager.get("Global Options", {}).get("Fixed Frame") or "")
    mistakes = [] if frame else ["Global Options: no Fixed Frame"]
    names = [display.path for display in displays]
    mistakes += [f"{name}: two displays of this name" for name in sorted({n for n in names if names.count(n) > 1})]
    for display in displays:
        mistakes += [f"{display.path}: {text}" for text in _mistakes(display)]
    document = yaml.safe_load(path.read_text())
    for title, entries, known in (
        ("Panels", document.get("Panels") or [], PANELS),
        ("Tools", manager.get("Tools") or [], TOOLS),
        ("Views", [manager.get("Views", {}).get("Current", {})], VIEWS),
    ):
        mistakes += [
            f"{title}: {_unknown('class', str(e.get('Class')), known)}" for e in entries if e.get("Class") not in known
        ]
    return RvizConfig(frame, displays, mistakes)


def compare(config: RvizConfig, offers: Mapping[str, Offer], frames: Iterable[str]) -> list[str]:
    """Return one line for each display that would show nothing in a graph with these topics and frames."""
    frames = frozenset(frames)
    problems = []
    if config.fixed_frame not in frames:
        problems.append(f"the fixed frame {config.fixed_frame!r} does not exist")
    for display in config.displays:
        frame = display.settings.get("Reference Frame")
        if frame and frame != "<Fixed Frame>" and frame not in frames:
            problems.append(f"{display.path}: there is no frame {frame!r}")
        if display.topic:
            problems += [f"{display.path}: {text}" for text in _against_graph(display, offers, frames)]
    return problems


def _displays(entries: list[dict[str, Any]], path: str) -> Iterable[Display]:
    for entry in entries:
        name = f"{path}/{entry.get('Name')}"
        if entry.get("Class") == "rviz_common/Group":
            yield from _displays(entry.get("Displays") or [], name)
        else:
            yield Display(name, entry)


def _mistakes(display: Display) -> Iterable[str]:
    kind = CLASSES.get(display.kind)
    if kind is None:
        yield _unknown("class", display.kind, CLASSES)
        return
    for key in display.settings:
        if key not in kind.keys | _COMMON:
            yield _unknown("key", str(key), kind.keys | _COMMON)
    topic = display.settings.get("Topic")
    if kind.message and not display.topic:
        yield "shows no topic"
    for key, value in topic.items() if isinstance(topic, dict) else ():
        if key not in _TOPIC:
            yield "Topic: " + _unknown("key", str(key), _TOPIC)
        elif (allowed := _TOPIC[key]) is not None and value not in allowed:
            yield "Topic: " + _unknown(key, str(value), allowed)
    alpha = display.settings.get("Alpha", 1)
    if not isinstance(alpha, (int, float)) or not 0 <= alpha <= 1:
        yield f"Alpha is {alpha!r}, not a number from 0 to 1"


def _against_graph(display: Display, offers: Mapping[str, Offer], frames: frozenset[str]) -> Iterable[str]:
    offer = offers.get(display.topic)
    if offer is None:
        near = difflib.get_close_matches(display.topic, offers, 1)
        yield f"nobody publishes {display.topic}" + (f"; did you mean {near[0]}?" if near else "")
        return
    wanted = CLASSES[display.kind].message if display.kind in CLASSES else ""
    if wanted and offer.message != wanted:
        yield f"{display.topic} is {offer.message}, the display shows {wanted}"
    topic = display.settings["Topic"]
    if topic.get("Reliability Policy") == "Reliable" and not offer.reliable:
        yield f"asks for Reliable, {display.topic} is offered as Best Effort"
    is_latched = topic.get("Durability Policy") == "Transient Local"
    if is_latched and not offer.latched:
        yield f"asks for Transient Local, {display.topic} is offered as Volatile"
    if offer.latched and not is_latched:
        yield f"{display.topic} was sent before RViz started; ask for Transient Local"
    for frame in sorted(offer.frames - frames):
        yield f"{display.topic} uses frame {frame!r}, which does not exist"
    for namespace in sorted(set(display.settings.get("Namespaces") or {}) - offer.namespaces):
        yield f"{display.topic} has no namespace {namespace!r}"


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), 1)
    return f"unknown {what} {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")
