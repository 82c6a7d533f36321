"""Reads ``store.yaml``: the floor, fixtures with shelves and lanes, cameras and zones."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from walkout.geometry.camera import intrinsics_from_fov
from walkout.geometry.transforms import BODY_FROM_OPTICAL, look_at, rotation_from_rpy
from walkout.store.currencies import CURRENCIES
from walkout.store.documents import Section, Value, suggestion
from walkout.store.model import (
    Camera,
    Fixture,
    FixtureType,
    FloatArray,
    GateDirection,
    Lane,
    Pose2,
    Shelf,
    Zone,
    ZoneKind,
)

BOARD_THICKNESS = 0.03
"""Metres of board and load cells between a shelf's top and the clearance below it."""
BACK_PANEL = 0.03
"""Metres of back panel behind the shelves of a fixture."""
LANE_WIDTHS = (0.05, 1.5)
"""The least and the greatest sensible lane width in metres."""

_SHELVED = (FixtureType.GONDOLA, FixtureType.FRIDGE, FixtureType.COFFEE_MACHINE)


@dataclass
class Layout:
    """What ``store.yaml`` says. ``places`` finds the section of a fixture, camera or zone for later messages.

    ``declared`` are all ids that were written, also of things that were wrong: they are not reported again as unknown.
    """

    store_id: str = ""
    name: str = ""
    currency: str = ""
    floor: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    ceiling: float = 0.0
    fixtures: list[Fixture] = field(default_factory=list)
    cameras: list[Camera] = field(default_factory=list)
    zones: list[Zone] = field(default_factory=list)
    places: dict[tuple[str, str], Section] = field(default_factory=dict)
    declared: set[tuple[str, str]] = field(default_factory=set)


def read_layout(document: Section, store_id: str) -> Layout:
    """Read all of ``store.yaml``; problems go into the document's report."""
    layout = Layout(store_id=document.text("id", store_id))
    layout.name = document.text("name", layout.store_id)
    layout.currency = _read_currency(document)
    layout.floor = _read_floor(document)
    layout.ceiling = document.number("ceiling", low=2.0, high=12.0, unit="m")
    for section in document.sections("fixtures"):
        fixture = _read_fixture(section, layout)
        if fixture:
            layout.fixtures.append(fixture)
    for section in document.sections("cameras"):
        camera = _read_camera(section, layout)
        if camera:
            layout.cameras.append(camera)
    for section in document.sections("zones"):
        zone = _read_zone(section, layout)
        if zone:
            layout.zones.append(zone)
    document.done()
    return layout


def _read_currency(document: Section) -> str:
    currency = document.text("currency")
    if currency and currency not in CURRENCIES:
        hint = suggestion(currency.upper(), CURRENCIES)
        document.problem("currency", f"{currency!r} is not an ISO 4217 code{hint}", "write a code like EUR, USD or JPY")
    return currency


def _read_floor(document: Section) -> tuple[float, float, float, float]:
    x_min, y_min, x_max, y_max = document.numbers("floor", 4)
    if document.ok and not (x_min < x_max and y_min < y_max):
        document.problem("floor", "has no area", "write [x_min, y_min, x_max, y_max] in metres")
    return x_min, y_min, x_max, y_max


def _read_id(section: Section, kind: str, layout: Layout) -> str:
    """Read an id, which must be new among its kind and fit into a topic and a frame name."""
    identifier = section.text("id")
    if not identifier:
        return ""
    if not (identifier.isascii() and identifier.replace("_", "").isalnum() and identifier[0].isalpha()):
        section.problem(
            "id", f"{identifier!r} cannot name a ROS topic", "use letters, digits and '_', beginning with a letter"
        )
    if (kind, identifier) in layout.declared:
        section.problem("id", f"{identifier!r} names two {kind}s", "give every one its own id")
    layout.declared.add((kind, identifier))
    layout.places[kind, identifier] = section
    return identifier


def _read_fixture(section: Section, layout: Layout) -> Fixture | None:
    identifier = _read_id(section, "fixture", layout)
    kind = section.choice("type", FixtureType)
    pose = _read_pose(section)
    size = section.numbers("size", 3, low=0.02, high=20.0)
    if not section.ok:
        _skip(section, "shelves", "shelf_depth", "direction", "has_door")
        section.done()
        return None
    shelves = _read_shelves(section, identifier, kind, (size[0], size[1], size[2]))
    direction = None
    if kind is FixtureType.GATE:
        direction = section.choice("direction", GateDirection)
    has_door = section.flag("has_door", False) if kind is FixtureType.FRIDGE else False
    if not section.done():
        return None
    return Fixture(identifier, kind, pose, (size[0], size[1], size[2]), shelves, direction, has_door)


def _skip(section: Section, *keys: str) -> None:
    """Make keys known without reading them, so that they are not reported as unknown after another mistake."""
    for key in keys:
        section.value(key)


def _read_pose(section: Section) -> Pose2:
    value = section.require("pose")
    if value is None:
        return Pose2(0.0, 0.0)
    pose = value.section()
    x, y = pose.number("x", unit="m"), pose.number("y", unit="m")
    yaw = math.radians(pose.number("yaw_deg", 0.0, low=-360, high=360, unit="degrees"))
    pose.done()
    return Pose2(x, y, yaw)


def _read_shelves(
    section: Section, fixture_id: str, kind: FixtureType, size: tuple[float, float, float]
) -> tuple[Shelf, ...]:
    if kind not in _SHELVED:
        if "shelves" in section:
            section.problem("shelves", f"a {kind.value} has no shelves", "remove them or change the type")
        return ()
    depth = section.number("shelf_depth", size[0] - BACK_PANEL, low=0.05, high=size[0], unit="m")
    parts = section.sections("shelves")
    if section.ok and not parts:
        section.problem("shelves", "is empty", "add at least one shelf, the lowest first")
    heights = [part.number("z", low=0.0, high=size[2], unit="m (the fixture's height)") for part in parts]
    if not section.ok:
        for part in parts:
            _skip(part, "lanes", "depth", "clearance")
            part.done()
        return ()
    shelves = [_read_shelf(part, fixture_id, kind, n, heights, depth, size) for n, part in enumerate(parts)]
    for n, (lower, upper) in enumerate(pairwise(shelves), start=1):
        if lower and upper and upper.z < lower.z + BOARD_THICKNESS + 0.02:
            parts[n].problem("z", f"{upper.z:g} m is not above shelf {n - 1} ({lower.z:g} m)", "list the lowest first")
        elif lower and upper and lower.z + lower.clearance > upper.z:
            parts[n - 1].problem(
                "clearance", f"{lower.clearance:g} m reaches into shelf {n} above", "make it less or leave it out"
            )
    return tuple(shelf for shelf in shelves if shelf)


def _read_shelf(
    part: Section,
    fixture_id: str,
    kind: FixtureType,
    n: int,
    heights: list[float],
    depth: float,
    size: tuple[float, float, float],
) -> Shelf | None:
    width = size[1]
    own_depth = part.number("depth", depth, low=0.05, high=size[0], unit="m")
    above = heights[n + 1] - BOARD_THICKNESS if n + 1 < len(heights) else size[2]
    clearance = part.number("clearance", max(above - heights[n], 0.0), low=0.03, high=3.0, unit="m")
    value = part.require("lanes")
    widths = _read_lane_widths(value, width) if value else ()
    if not part.done():
        return None
    if kind is FixtureType.COFFEE_MACHINE:
        x = size[0] / 2 - own_depth / 2  # The tray sticks out before the machine's body.
    else:
        # Boards hang on the back panel, so shallower ones stand back from the front.
        x = -size[0] / 2 + min(BACK_PANEL, size[0] - own_depth) + own_depth / 2
    start = -sum(widths) / 2
    lanes = []
    for m, lane_width in enumerate(widths):
        lanes.append(Lane(f"{fixture_id}/{n}/{m}", m, round(start + lane_width / 2, 6), lane_width, own_depth))
        start += lane_width
    return Shelf(n, x, heights[n], width, own_depth, clearance, tuple(lanes))


def _read_lane_widths(value: Value, shelf_width: float) -> tuple[float, ...]:
    """Read ``lanes: 6`` (so many equal ones) or ``lanes: [0.2, 0.3]`` (widths in metres, left to right)."""
    if not value.is_list:
        count = value.integer(1, 40)
        width = shelf_width / count
        if width < LANE_WIDTHS[0]:
            value.problem(f"{count} lanes are only {width:.3f} m wide each", "use fewer lanes")
        return (width,) * count
    widths = tuple(item.number(*LANE_WIDTHS, unit="m") for item in value.items())
    if not widths:
        value.problem("is empty", "write the number of lanes or their widths")
    if sum(widths) > shelf_width + 1e-6:
        value.problem(
            f"lanes are {sum(widths):.3f} m together, the shelf is {shelf_width:.3f} m wide",
            "make lanes narrower or the fixture wider",
        )
    return widths


def _read_camera(section: Section, layout: Layout) -> Camera | None:
    identifier = _read_id(section, "camera", layout)
    width, height = (int(v) for v in section.numbers("resolution", 2, (640.0, 480.0), low=16, high=16384))
    matrix = _read_intrinsics(section, width, height)
    distortion = np.array(section.numbers("distortion", (5, 4), (0.0,) * 5, low=-10, high=10))
    position = np.array(section.numbers("position", 3))
    rotation = _read_rotation(section, position)
    source = section.text("source")
    rate = section.number("rate_hz", 10.0, low=0.1, high=240.0, unit="Hz")
    if not section.done():
        return None
    if len(distortion) == 4:
        distortion = np.append(distortion, 0.0)
    return Camera(identifier, width, height, matrix, distortion, position, rotation, source, rate)


def _read_intrinsics(section: Section, width: int, height: int) -> FloatArray:
    """Read ``horizontal_fov_deg`` or ``intrinsics: {fx, fy, cx, cy}`` (pixels) into the matrix K."""
    given = section.value("intrinsics")
    fov = section.value("horizontal_fov_deg")
    if (given is None) == (fov is None):
        problem = "has two calibrations" if given else "has no calibration"
        section.problem("", problem, "write horizontal_fov_deg or intrinsics {fx, fy, cx, cy}, one of them")
        return np.eye(3)
    if fov:
        angle = fov.number(10, 170, "degrees")
        return intrinsics_from_fov(width, height, math.radians(angle)) if angle else np.eye(3)
    assert given is not None
    part = given.section()
    fx = part.number("fx", low=1.0, unit="px")
    fy = part.number("fy", fx, low=1.0, unit="px")
    cx = part.number("cx", (width - 1) / 2, low=0.0, high=float(width), unit="px")
    cy = part.number("cy", (height - 1) / 2, low=0.0, high=float(height), unit="px")
    part.done()
    return np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])


def _read_rotation(section: Section, position: FloatArray) -> FloatArray:
    """Read ``look_at`` (a point) or ``rpy_deg`` (of the body, x forward) into the optical frame's rotation."""
    target, angles = section.value("look_at"), section.value("rpy_deg")
    if (target is None) == (angles is None):
        problem = "has two directions" if target else "has no direction"
        section.problem("", problem, "write look_at [x, y, z] or rpy_deg [roll, pitch, yaw], one of them")
        return np.eye(3)
    if angles:
        roll, pitch, yaw = np.radians(angles.numbers(3, low=-360, high=360))
        return rotation_from_rpy(roll, pitch, yaw) @ BODY_FROM_OPTICAL
    assert target is not None
    point = target.numbers(3)
    try:
        return look_at(position, point)
    except ValueError as error:
        if section.ok:
            target.problem(str(error), "look at another point")
        return np.eye(3)


def _read_zone(section: Section, layout: Layout) -> Zone | None:
    identifier = _read_id(section, "zone", layout)
    kind = section.choice("kind", ZoneKind)
    gate = section.text("gate", "")
    corners = [item.numbers(2) for item in section.items("polygon")]
    if not section.done():
        return None
    if len(corners) < 3:
        section.problem("polygon", f"has {len(corners)} corners", "write at least 3 corners [x, y]")
        return None
    polygon = np.array(corners)
    turns = _turns(polygon)
    if (turns < -1e-9).any() and (turns > 1e-9).any():
        section.problem("polygon", "is not convex", "leave out corners that point inwards or make two zones")
        return None
    if (np.abs(turns) < 1e-9).all() or not math.isclose(abs(_total_turn(polygon)), 2 * math.pi, rel_tol=1e-3):
        section.problem("polygon", "has no area or crosses itself", "list the corners in order around the zone")
        return None
    if turns.sum() < 0:
        corners.reverse()
    return Zone(identifier, kind, tuple((x, y) for x, y in corners), gate or None)


def _turns(polygon: FloatArray) -> FloatArray:
    """Return the cross product of the edges before and after each corner."""
    before = polygon - np.roll(polygon, 1, axis=0)
    after = np.roll(polygon, -1, axis=0) - polygon
    cross: FloatArray = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    return cross


def _total_turn(polygon: FloatArray) -> float:
    """Return the sum of the turning angles: plus or minus 2 pi for a simple polygon."""
    edges = np.roll(polygon, -1, axis=0) - polygon
    headings = np.arctan2(edges[:, 1], edges[:, 0])
    turns = (np.diff(np.append(headings, headings[0])) + math.pi) % (2 * math.pi) - math.pi
    return float(turns.sum())
