"""Fridge doors: who holds them, how they fall shut, and how that shakes the plates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from walkout.simulation.people import TICK_S
from walkout.simulation.stock import LaneStock
from walkout.store.model import Fixture

DOOR_S = 0.8
SLAM_DECAY = 0.82
"""What is left of a slammed door's shaking after each tick."""


@dataclass
class Door:
    """A fridge's door: ``opening`` 0..1, held open by the visitors of ``holders`` and until ``open_until_ns``.

    ``shaking_g`` is how much its fall shakes the plates of ``lanes`` now.
    """

    lanes: list[int]
    opening: float = 0.0
    holders: set[int] = field(default_factory=set)
    open_until_ns: int = 0
    shaking_g: float = 0.0


class Doors:
    """The doors of all fridges, by fixture."""

    def __init__(
        self, fixtures: Iterable[Fixture], lanes: Sequence[LaneStock], slam_g: float, generator: np.random.Generator
    ) -> None:
        """Begin with all doors shut. A door that falls shut shakes its plates by ``slam_g``, which dies away."""
        self._slam_g = slam_g
        self._generator = generator
        self.doors = {
            fixture.fixture_id: Door([lane.index for lane in lanes if lane.site.fixture is fixture])
            for fixture in fixtures
            if fixture.has_door
        }

    def opening(self, fixture_id: str) -> float:
        """Return how far a door is open, 0..1."""
        return self.doors[fixture_id].opening

    def hold(self, fixture_id: str, visit_id: int) -> None:
        """Keep a door open."""
        self.doors[fixture_id].holders.add(visit_id)

    def release(self, fixture_id: str, visit_id: int, until_ns: int) -> None:
        """Let a door fall shut at a time, unless somebody else holds it."""
        door = self.doors[fixture_id]
        door.holders.discard(visit_id)
        door.open_until_ns = max(door.open_until_ns, until_ns)

    def step(self, now_ns: int) -> None:
        """Move all doors by one tick."""
        change = TICK_S / DOOR_S
        for door in self.doors.values():
            before = door.opening
            held = door.holders or now_ns < door.open_until_ns
            door.opening = float(np.clip(before + (change if held else -change), 0.0, 1.0))
            if before > 0.0 and door.opening == 0.0:
                door.shaking_g = self._slam_g

    def shake(self, push: NDArray[np.float64]) -> None:
        """Add the doors' shaking in this tick to the pushes on all plates, (lanes,)."""
        for door in self.doors.values():
            if door.shaking_g > 0.5:
                push[door.lanes] += self._generator.normal(0.0, door.shaking_g, len(door.lanes))
                door.shaking_g *= SLAM_DECAY
