"""Checks of the layout as a whole: what a single line of ``store.yaml`` cannot show to be wrong."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from scipy import ndimage

from walkout.store.documents import Section, suggestion
from walkout.store.floor import FloorGrid, footprint, overlap_depth
from walkout.store.layout_file import Layout
from walkout.store.model import Fixture, FixtureType, FloatArray, GateDirection, Zone, ZoneKind

_TOUCHING = 1e-3
"""Metres that neighbouring fixtures may overlap: round numbers in files."""
SHOPPER_RADIUS = 0.22
"""Metres of free floor that a shopper needs around the own axis."""
REACH = 0.75
"""Metres from the front of a lane within which a shopper must be able to stand."""


def check_layout(layout: Layout, document: Section) -> None:
    """Report everything about the layout as a whole that would make the store unusable."""
    if not (layout.floor[0] < layout.floor[2] and layout.floor[1] < layout.floor[3] and layout.ceiling > 0):
        return
    for fixture in layout.fixtures:
        _check_inside(layout, fixture)
    _check_overlaps(layout)
    _check_cameras(layout)
    _check_zones(layout)
    if not document.report.problems:
        _check_gates(layout, document)
    if not document.report.problems:
        _check_reachability(layout)


def _check_inside(layout: Layout, fixture: Fixture) -> None:
    corners = footprint(fixture)
    x_min, y_min, x_max, y_max = layout.floor
    outside = max((x_min, y_min) - corners.min(axis=0)), max(corners.max(axis=0) - (x_max, y_max))
    if max(outside) > _TOUCHING:
        layout.places["fixture", fixture.fixture_id].problem(
            "pose", f"stands {max(outside):.2f} m outside the floor", "move it or enlarge the floor"
        )
    if fixture.size[2] > layout.ceiling:
        layout.places["fixture", fixture.fixture_id].problem(
            "size", f"is {fixture.size[2]:g} m high, the ceiling {layout.ceiling:g} m", "make it lower"
        )


def _check_overlaps(layout: Layout) -> None:
    for one, other in combinations(layout.fixtures, 2):
        depth = overlap_depth(footprint(one), footprint(other))
        if depth > _TOUCHING:
            layout.places["fixture", other.fixture_id].problem(
                "pose", f"{other.fixture_id} stands {depth:.2f} m inside {one.fixture_id}", "move one of them"
            )


def _check_cameras(layout: Layout) -> None:
    x_min, y_min, x_max, y_max = layout.floor
    for camera in layout.cameras:
        x, y, z = camera.position
        if not (x_min <= x <= x_max and y_min <= y <= y_max and 0 < z <= layout.ceiling):
            layout.places["camera", camera.camera_id].problem(
                "position",
                f"({x:g}, {y:g}, {z:g}) is outside the store",
                "use metres from the store's origin, below the ceiling",
            )


def _check_zones(layout: Layout) -> None:
    gates = {f.fixture_id: f for f in layout.fixtures if f.type is FixtureType.GATE}
    low, high = np.array(layout.floor[:2]), np.array(layout.floor[2:])
    for zone in layout.zones:
        place = layout.places["zone", zone.zone_id]
        corners = np.array(zone.polygon)
        if (corners < low - _TOUCHING).any() or (corners > high + _TOUCHING).any():
            place.problem("polygon", "reaches outside the floor", "keep all corners on the floor")
        if zone.gate_id is None:
            continue
        gate = gates.get(zone.gate_id)
        if gate is None:
            if ("fixture", zone.gate_id) not in layout.declared or _is_fixture(layout, zone.gate_id):
                hint = suggestion(zone.gate_id, gates)
                place.problem("gate", f"there is no gate {zone.gate_id!r}{hint}", "name a fixture of type gate")
        elif gate.direction is not _direction(zone):
            word = gate.direction.value if gate.direction else "?"
            place.problem("gate", f"{zone.gate_id} is an {word} gate, the zone is for {zone.kind.value}", "match them")


def _is_fixture(layout: Layout, identifier: str) -> bool:
    return any(fixture.fixture_id == identifier for fixture in layout.fixtures)


def _direction(zone: Zone) -> GateDirection:
    return GateDirection.ENTRY if zone.kind is ZoneKind.ENTRY else GateDirection.EXIT


def _check_gates(layout: Layout, document: Section) -> None:
    zoned = {zone.gate_id for zone in layout.zones}
    for fixture in layout.fixtures:
        if fixture.type is FixtureType.GATE and fixture.fixture_id not in zoned:
            layout.places["fixture", fixture.fixture_id].problem(
                "", f"no zone belongs to gate {fixture.fixture_id}", f"add a zone with gate: {fixture.fixture_id}"
            )
    for direction in GateDirection:
        if not any(fixture.direction is direction for fixture in layout.fixtures):
            document.problem(
                "fixtures", f"no gate is for {direction.value}", f"add a gate with direction: {direction.value}"
            )


def _check_reachability(layout: Layout) -> None:
    """Every lane must have free floor before it that a shopper can reach from an entry zone."""
    grid = FloorGrid(layout.floor, layout.fixtures, SHOPPER_RADIUS)
    islands, _ = ndimage.label(grid.free)
    entries = [zone for zone in layout.zones if zone.kind is ZoneKind.ENTRY]
    reached = np.zeros_like(grid.free)
    for zone in entries:
        inside = grid.inside(np.array(zone.polygon)) & grid.free
        reached |= np.isin(islands, np.unique(islands[inside])) & grid.free
        if not inside.any():
            layout.places["zone", zone.zone_id].problem(
                "polygon", "nobody has room to stand in it", "move it onto free floor"
            )
    for fixture in layout.fixtures:
        spots = grid.centres[grid.before(fixture) & reached]
        blocked = [lane_id for lane_id, point in _lane_fronts(fixture) if not grid.within_reach(spots, point, REACH)]
        if blocked:
            layout.places["fixture", fixture.fixture_id].problem(
                "pose",
                f"no way from the entry to {'lane ' + blocked[0] if len(blocked) == 1 else f'{len(blocked)} lanes'}",
                f"leave a path {2 * SHOPPER_RADIUS:.2f} m wide and free floor before its front",
            )
    for zone in layout.zones:
        if zone.kind is ZoneKind.EXIT and not (grid.inside(np.array(zone.polygon)) & reached).any():
            layout.places["zone", zone.zone_id].problem(
                "polygon", "cannot be reached from the entry", "leave a free path to it"
            )


def _lane_fronts(fixture: Fixture) -> list[tuple[str, FloatArray]]:
    """Return for every lane the point (2,) on the floor in the plane of the fixture's front."""
    front = fixture.size[0] / 2
    matrix = fixture.pose.matrix
    return [(lane.lane_id, (matrix @ [front, lane.y, 0, 1])[:2]) for lane in fixture.lanes]
