"""What RViz rejects, warns about or silently never shows in marker arrays."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from visualization_msgs.msg import Marker, MarkerArray

UNIT_TOLERANCE = 1e-3
"""How far from one the norm of a quaternion may be."""

STALE_S = 5.0
"""A marker without a lifetime that is not repeated for so long, while its topic goes on, was forgotten."""

_LISTS = frozenset(
    {Marker.LINE_STRIP, Marker.LINE_LIST, Marker.CUBE_LIST, Marker.SPHERE_LIST, Marker.POINTS, Marker.TRIANGLE_LIST}
)
_SCALES = {
    Marker.LINE_STRIP: ("x",),
    Marker.LINE_LIST: ("x",),
    Marker.POINTS: ("x", "y"),
    Marker.TEXT_VIEW_FACING: ("z",),
}
_ACTIONS = frozenset({Marker.ADD, Marker.MODIFY, Marker.DELETE, Marker.DELETEALL})


@dataclass
class MarkerLint:
    """Looks at the arrays of one topic in the order in which they come.

    Attributes:
        frames: frames that exist; empty: any.
        shown: stamp of the last update, in seconds, by namespace and id of what is on show.
    """

    frames: frozenset[str] = frozenset()
    shown: dict[tuple[str, int], float] = field(default_factory=dict)

    def check(self, array: MarkerArray) -> list[str]:
        """Return one line per mistake in this array, and for markers that it leaves behind."""
        problems: list[str] = []
        seen: set[tuple[str, int]] = set()
        latest = 0.0
        for marker in array.markers:
            name = (marker.ns, marker.id)
            where = f"{marker.ns}/{marker.id}"
            if name in seen:
                problems.append(f"{where}: twice in one array")
            seen.add(name)
            stamp = marker.header.stamp.sec + marker.header.stamp.nanosec * 1e-9
            latest = max(latest, stamp)
            problems += [f"{where}: {text}" for text in self._mistakes(marker)]
            self._follow(marker, stamp, where, problems)
        problems += self._stale(latest)
        return problems

    def _mistakes(self, marker: Marker) -> Iterable[str]:
        if marker.action not in _ACTIONS:
            yield f"unknown action {marker.action}"
        if not marker.header.frame_id:
            yield "no frame"
        elif self.frames and marker.header.frame_id not in self.frames:
            yield f"there is no frame {marker.header.frame_id!r}"
        if marker.action in (Marker.ADD, Marker.MODIFY):
            yield from _mistakes_of_shape(marker)

    def _follow(self, marker: Marker, stamp: float, where: str, problems: list[str]) -> None:
        name = (marker.ns, marker.id)
        if marker.action == Marker.DELETEALL:
            self.shown.clear()
        elif marker.action == Marker.DELETE:
            if self.shown.pop(name, None) is None:
                problems.append(f"{where}: deleted, but it was never shown")
        else:
            lifetime = marker.lifetime.sec + marker.lifetime.nanosec * 1e-9
            # A lifetime ends by itself, and a marker without a stamp is meant to stay.
            self.shown[name] = math.inf if lifetime > 0 or stamp == 0 else stamp

    def _stale(self, now_s: float) -> list[str]:
        old = [name for name, stamp in self.shown.items() if stamp < now_s - STALE_S]
        for name in old:
            del self.shown[name]
        return [f"{namespace}/{number}: stale, not updated or deleted for {STALE_S:g} s" for namespace, number in old]


def _mistakes_of_shape(marker: Marker) -> Iterable[str]:
    if not 0 <= marker.type <= Marker.TRIANGLE_LIST:
        yield f"unknown type {marker.type}"
    position, turn = marker.pose.position, marker.pose.orientation
    numbers = [position.x, position.y, position.z, *(value for p in marker.points for value in (p.x, p.y, p.z))]
    if not all(math.isfinite(value) for value in numbers):
        yield "a position is not finite"
    norm = math.hypot(turn.x, turn.y, turn.z, turn.w)
    if not abs(norm - 1) <= UNIT_TOLERANCE:
        yield f"the quaternion's norm is {norm:.3f}, not 1"
    for axis in _SCALES.get(marker.type, ("x", "y", "z")):
        value = getattr(marker.scale, axis)
        if not (math.isfinite(value) and value > 0):
            yield f"scale.{axis} is {value:g}"
    if marker.type in _LISTS and not marker.points:
        yield "a list without points"
    if len(marker.colors) not in (0, len(marker.points)):
        yield f"{len(marker.colors)} colours for {len(marker.points)} points"
    if not marker.colors and not marker.color.a > 0:
        yield "invisible, alpha is 0"
    if marker.type == Marker.TEXT_VIEW_FACING and not marker.text:
        yield "a text without text"
