"""The room and its fixtures as meshes: what never moves, and the doors and gate leaves that do."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from walkout.simulation.meshes import Mesh, box, concatenate, moved
from walkout.simulation.textures import Pattern
from walkout.store.model import Fixture, FixtureType, Shelf, Store

FloatArray = NDArray[np.float64]
Colour = tuple[float, float, float]

BOARD = 0.022
"""Thickness of a shelf's board in metres."""


@dataclass(frozen=True)
class Decor:
    """Colours of the fittings, linear RGB."""

    metal: Colour = (0.55, 0.56, 0.58)
    board: Colour = (0.72, 0.72, 0.70)
    panel: Colour = (0.42, 0.43, 0.45)
    rail: Colour = (0.62, 0.63, 0.66)
    accent: Colour = (0.03, 0.16, 0.28)
    skirting: Colour = (0.16, 0.16, 0.17)


def sample_decor(rng: np.random.Generator) -> Decor:
    """Return fittings of believable colours."""
    grey = rng.uniform(0.35, 0.75)
    boards: tuple[Colour, ...] = (
        (0.72, 0.72, 0.70),
        (0.60, 0.60, 0.62),
        (0.48, 0.33, 0.20),
        (0.66, 0.60, 0.50),
        (0.2, 0.2, 0.21),
    )
    accents: tuple[Colour, ...] = (
        (0.03, 0.16, 0.28),
        (0.35, 0.03, 0.03),
        (0.05, 0.25, 0.08),
        (0.5, 0.2, 0.02),
        (0.1, 0.1, 0.1),
    )
    panel = rng.uniform(0.2, 0.7)
    return Decor(
        metal=(grey, grey, grey * 1.03),
        board=boards[int(rng.integers(len(boards)))],
        panel=(panel, panel, panel * 1.02),
        rail=(0.62, 0.63, 0.66) if rng.random() < 0.6 else accents[int(rng.integers(len(accents)))],
        accent=accents[int(rng.integers(len(accents)))],
        skirting=(0.16, 0.16, 0.17),
    )


def room(store: Store, decor: Decor) -> Mesh:
    """Return floor, the inner sides of the walls, and the skirting."""
    x0, y0, x1, y1 = store.floor
    top = store.ceiling
    width, depth = x1 - x0, y1 - y0
    tile = 0.8  # metres of floor per repeat of the texture
    floor = box((x0, y0, -0.1), (x1, y1, 0.0), layer=Pattern.FLOOR, sides="+z", repeat=(depth / tile, width / tile))
    thick, parts = 0.1, [floor]
    walls = (
        ((x0 - thick, y0, 0.0), (x0, y1, top), "+x", depth),
        ((x1, y0, 0.0), (x1 + thick, y1, top), "-x", depth),
        ((x0, y0 - thick, 0.0), (x1, y0, top), "+y", width),
        ((x0, y1, 0.0), (x1, y1 + thick, top), "-y", width),
    )
    for low, high, side, length in walls:
        parts.append(box(low, high, layer=Pattern.WALL, sides=side, repeat=(length / 2, top / 2)))
        inner = {"+x": (0.012, 0), "-x": (-0.012, 0), "+y": (0, 0.012), "-y": (0, -0.012)}[side]
        shift = (inner[0], inner[1])
        for bottom, above, colour in ((0.0, 0.09, decor.skirting), (2.05, 2.22, decor.accent)):
            strip_low = (low[0] + shift[0], low[1] + shift[1], bottom)
            strip_high = (high[0] + shift[0], high[1] + shift[1], above)
            parts.append(box(strip_low, strip_high, colour, sides=side + "+z"))
    return concatenate(parts)


def fixture_mesh(fixture: Fixture, decor: Decor) -> Mesh:
    """Return what of a fixture never moves, in the store frame."""
    build = {
        FixtureType.GONDOLA: _gondola,
        FixtureType.FRIDGE: _fridge,
        FixtureType.COFFEE_MACHINE: _coffee_machine,
        FixtureType.GATE: _gate,
        FixtureType.WALL: _wall,
    }[fixture.type]
    return moved(concatenate(build(fixture, decor)), fixture.pose.matrix)


def moving_mesh(fixture: Fixture, opening: float, decor: Decor) -> tuple[Mesh, Mesh] | None:
    """Return doors or gate leaves at an opening 0..1 in the store frame: solid parts and glass; None without any."""
    if fixture.type is FixtureType.FRIDGE and fixture.has_door:
        solid, glass = _doors(fixture, opening)
    elif fixture.type is FixtureType.GATE:
        solid, glass = _leaves(fixture, opening, decor)
    else:
        return None
    pose = fixture.pose.matrix
    return moved(concatenate(solid), pose), moved(concatenate(glass), pose)


def _boards(fixture: Fixture, decor: Decor, board: Colour) -> list[Mesh]:
    """Return boards with the price rail and tags along their fronts, and lane dividers."""
    parts = []
    for shelf in fixture.shelves:
        back, front = shelf.x - shelf.depth / 2, shelf.x + shelf.depth / 2
        half = shelf.width / 2
        parts.append(box((back, -half, shelf.z - BOARD), (front, half, shelf.z), board))
        parts.append(box((front, -half, shelf.z - 0.036), (front + 0.008, half, shelf.z + 0.004), decor.rail))
        parts += _tags(shelf, front + 0.008)
        parts += _dividers(shelf, back, front)
    return parts


def _tags(shelf: Shelf, front: float) -> list[Mesh]:
    return [
        box(
            (front, lane.y - 0.028, shelf.z - 0.035),
            (front + 0.002, lane.y + 0.028, shelf.z + 0.003),
            layer=Pattern.PRICE_TAG,
            sides="+x",
        )
        for lane in shelf.lanes
    ]


def _dividers(shelf: Shelf, back: float, front: float) -> list[Mesh]:
    edges = [lane.y + lane.width / 2 for lane in shelf.lanes[:-1]]
    return [
        box((back, y - 0.0015, shelf.z), (front - 0.01, y + 0.0015, shelf.z + 0.03), (0.5, 0.55, 0.6)) for y in edges
    ]


def _gondola(fixture: Fixture, decor: Decor) -> list[Mesh]:
    depth, width, height = fixture.size
    back, half = -depth / 2, width / 2
    parts = [
        box((back, -half, 0.0), (back + 0.02, half, height), decor.panel),
        box((back, -half, 0.0), (depth / 2 - 0.04, half, 0.08), decor.skirting),
    ]
    for y in (-half, half - 0.025):
        parts.append(box((back, y, 0.0), (back + 0.05, y + 0.025, height), decor.metal))
    for shelf in fixture.shelves:
        for y in (-half, half - 0.012):
            low = (back + 0.02, y, shelf.z - 0.06)
            parts.append(box(low, (shelf.x + 0.25 * shelf.depth, y + 0.012, shelf.z - BOARD), decor.metal))
    return parts + _boards(fixture, decor, decor.board)


def _fridge(fixture: Fixture, decor: Decor) -> list[Mesh]:
    depth, width, height = fixture.size
    back, front, half = -depth / 2, depth / 2 - 0.05, width / 2
    white: Colour = (0.78, 0.79, 0.80)
    inside: Colour = (0.86, 0.88, 0.90)
    parts = [
        box((back, -half, 0.0), (back + 0.05, half, height), inside),
        box((back, -half - 0.0, 0.0), (front, -half + 0.03, height), white),
        box((back, half - 0.03, 0.0), (front, half, height), white),
        box((back, -half, height - 0.16), (front, half, height), white, sides="-x+y-y+z-z"),
        box((front - 0.01, -half, height - 0.16), (front, half, height), layer=Pattern.SIGN, sides="+x"),
        box((back, -half, 0.0), (front, half, 0.10), decor.skirting),
    ]
    return parts + _boards(fixture, decor, (0.8, 0.82, 0.84))


def _coffee_machine(fixture: Fixture, decor: Decor) -> list[Mesh]:
    depth, width, height = fixture.size
    back, front, half = -depth / 2, depth / 2, width / 2
    counter = min((shelf.z for shelf in fixture.shelves), default=0.6 * height)
    parts = [
        box((back, -half, 0.08), (front, half, counter - BOARD), (0.30, 0.19, 0.11)),
        box((back, -half, 0.0), (front - 0.04, half, 0.08), decor.skirting),
        box((back, -half, counter - BOARD), (front, half, counter), (0.2, 0.2, 0.21)),
        box((back, -0.2, counter), (back + 0.2, 0.2, height), (0.06, 0.06, 0.065)),
        box((back + 0.2, -0.2, counter), (back + 0.205, 0.2, height), layer=Pattern.COFFEE, sides="+x"),
    ]
    for shelf in fixture.shelves:
        parts += _tags(shelf, front)
    return parts


def _wall(fixture: Fixture, decor: Decor) -> list[Mesh]:
    depth, width, height = fixture.size
    del decor
    return [
        box(
            (-depth / 2, -width / 2, 0.0),
            (depth / 2, width / 2, height),
            layer=Pattern.WALL,
            repeat=(width / 2, height / 2),
        )
    ]


def _gate(fixture: Fixture, decor: Decor) -> list[Mesh]:
    depth, width, height = fixture.size
    parts = []
    for side in (-1.0, 1.0):
        outer, inner = side * width / 2, side * (width / 2 - 0.12)
        low, high = min(outer, inner), max(outer, inner)
        parts += [
            box((-depth / 2, low, 0.0), (depth / 2, high, height - 0.05), decor.metal),
            box((-depth / 2, low, height - 0.05), (depth / 2, high, height), (0.08, 0.08, 0.09)),
            box((-depth / 2 + 0.05, low + 0.03, height), (-depth / 2 + 0.2, high - 0.03, height + 0.03), decor.accent),
        ]
    return parts


def _leaves(fixture: Fixture, opening: float, decor: Decor) -> tuple[list[Mesh], list[Mesh]]:
    """Two glass leaves that swing towards the gate's front as it opens."""
    _, width, height = fixture.size
    reach = width / 2 - 0.14
    solid, glass = [], []
    for side in (-1.0, 1.0):
        hinge = np.eye(4)
        angle = side * opening * math.radians(88)
        hinge[:2, :2] = [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
        hinge[1, 3] = side * (width / 2 - 0.12)
        low, high = sorted((0.0, -side * reach))
        frame = [
            box((-0.008, low, height - 0.14), (0.008, high, height - 0.10), decor.accent),
            box((-0.008, low, 0.18), (0.008, high, 0.22), decor.accent),
        ]
        solid.append(moved(concatenate(frame), hinge))
        glass.append(moved(box((-0.005, low, 0.22), (0.005, high, height - 0.14), (0.55, 0.75, 0.78)), hinge))
    return solid, glass


def _doors(fixture: Fixture, opening: float) -> tuple[list[Mesh], list[Mesh]]:
    """Two framed glass doors, hinged at the outer sides."""
    depth, width, height = fixture.size
    frame: Colour = (0.10, 0.10, 0.11)
    bottom, top = 0.10, height - 0.16
    solid, glass = [], []
    for side in (-1.0, 1.0):
        hinge = np.eye(4)
        angle = side * opening * math.radians(95)
        hinge[:2, :2] = [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
        hinge[0, 3], hinge[1, 3] = depth / 2 - 0.045, side * width / 2
        reach = width / 2 - 0.004

        def leaf(
            y0: float, y1: float, z0: float, z1: float, x0: float, x1: float, colour: Colour, s: float = side
        ) -> Mesh:
            low, high = sorted((-s * y0, -s * y1))
            return box((x0, low, z0), (x1, high, z1), colour)

        bars = [
            leaf(0.0, 0.045, bottom, top, 0.0, 0.04, frame),
            leaf(reach - 0.045, reach, bottom, top, 0.0, 0.04, frame),
            leaf(0.045, reach - 0.045, bottom, bottom + 0.05, 0.0, 0.04, frame),
            leaf(0.045, reach - 0.045, top - 0.05, top, 0.0, 0.04, frame),
            leaf(reach - 0.035, reach - 0.012, 0.8, 1.25, 0.045, 0.075, (0.6, 0.6, 0.62)),
        ]
        solid.append(moved(concatenate(bars), hinge))
        pane = leaf(0.045, reach - 0.045, bottom + 0.05, top - 0.05, 0.015, 0.02, (0.75, 0.85, 0.9))
        glass.append(moved(pane, hinge))
    return solid, glass


def occluders(store: Store) -> list[tuple[FloatArray, FloatArray]]:
    """Return the solid boxes that keep light from their surroundings, as (centre (3,), axes (3, 3)) in the store frame.

    The rows of ``axes`` are the half extents along the box's sides.
    """
    result = []
    for fixture in store.fixtures:
        depth, width, height = fixture.size
        back = -depth / 2
        if fixture.type is FixtureType.GATE:
            continue
        if fixture.type is FixtureType.WALL:
            local = [((back, -width / 2, 0.0), (-back, width / 2, height))]
        else:
            local = [((back, -width / 2, 0.0), (back + 0.05, width / 2, height))]
            local += [
                ((s.x - s.depth / 2, -s.width / 2, s.z - 0.05), (s.x + s.depth / 2, s.width / 2, s.z))
                for s in fixture.shelves
            ]
            lowest = min((s.z for s in fixture.shelves), default=height)
            local.append(((back, -width / 2, 0.0), (depth / 2 - 0.04, width / 2, lowest)))
        for low, high in local:
            centre, half = np.add(low, high) / 2, np.subtract(high, low) / 2
            turn = fixture.pose.matrix
            result.append((turn[:3, :3] @ centre + turn[:3, 3], np.diag(half) @ turn[:3, :3].T))
    return result
