"""Where one stands before a lane to reach into it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from walkout.simulation.navigation import BODY_RADIUS_M, FloorMap
from walkout.store.model import LaneSite

FloatArray = NDArray[np.float64]

_DISTANCES_M = (0.55, 0.48, 0.62, 0.7)


def in_reach(site: LaneSite, spot: FloatArray) -> bool:
    """Return whether a lane can be reached comfortably from a spot (2,)."""
    local = site.transform[:2, :2].T @ (spot - site.position[:2])
    from_front = local[0] - site.lane.depth / 2
    return bool(0.4 <= from_front <= 0.72 and abs(local[1]) <= 0.35)


def candidate_spots(site: LaneSite, right_handed: bool, generator: np.random.Generator) -> FloatArray:
    """Return places (n, 2) to stand before a lane, best first: 0.45 to 0.7 m off the front, a little beside it."""
    beside = -0.1 if right_handed else 0.1
    offsets = np.array([0.0, 0.12, -0.12, 0.22, -0.22, 0.34, -0.34]) + generator.normal(0.0, 0.02)
    first = float(np.clip(generator.normal(0.55, 0.05), 0.46, 0.68))
    local = [
        (site.lane.depth / 2 + distance, np.clip(offset + beside, -0.42, 0.42))
        for distance in (first, *_DISTANCES_M[1:])
        for offset in offsets
    ]
    return _placed(site, np.array(local))


def spot_at(floor: FloorMap, site: LaneSite, right_m: float) -> FloatArray:
    """Return the free places (n, 2) before a lane that lie so far to the right of it, seen from the front."""
    local = np.array([(site.lane.depth / 2 + distance, right_m) for distance in _DISTANCES_M])
    return _free(floor, _placed(site, local))


def usable_spots(floor: FloorMap, site: LaneSite) -> FloatArray:
    """Return free places (n, 2) from which a lane is in reach."""
    offsets = (0.0, 0.12, -0.12, 0.22, -0.22, 0.34, -0.34)
    local = [(site.lane.depth / 2 + distance, offset) for distance in _DISTANCES_M for offset in offsets]
    return _free(floor, _placed(site, np.array(local)))


def _placed(site: LaneSite, local: FloatArray) -> FloatArray:
    return np.asarray(local @ site.transform[:2, :2].T + site.position[:2])


def _free(floor: FloorMap, spots: FloatArray) -> FloatArray:
    return spots[floor.exact_clearance(spots) > BODY_RADIUS_M + 0.015]
