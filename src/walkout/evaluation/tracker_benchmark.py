"""What the tracker costs: CPU time per update by one camera, for so many people before so many cameras."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from walkout.evaluation.made_crowd import MadeCrowd
from walkout.tracking.parameters import TrackerParameters
from walkout.tracking.tracker import MultiViewTracker
from walkout.tracking.types import Shoppers, TrackState

WARM_UP_S = 2.0
"""The beginning, when everybody appears at once, does not count."""
_SEED = 1000
_NEAR_M = 0.5


@dataclass(frozen=True)
class Load:
    """So many people and cameras."""

    people: int
    cameras: int

    def __str__(self) -> str:
        """Name it as the option does."""
        return f"{self.people}x{self.cameras}"


LOADS = (Load(3, 6), Load(15, 8), Load(30, 12), Load(50, 24))
GROWTH = tuple(Load(people, 8) for people in (5, 10, 20, 40))
"""The same cameras and ever more people: how does the cost grow?"""


@dataclass(frozen=True)
class TrackerTimes:
    """What one load has cost.

    ``cpu_ms_…`` is of one camera's update, the snapshots that it completes included; ``real_time_factor`` simulated
    seconds per CPU second of all cameras together; ``boxes`` the mean number of detections in a frame; ``followed`` the
    share of people with a confirmed track within half a metre, so that nobody takes a blind tracker for a fast one.
    """

    people: int
    cameras: int
    updates: int
    boxes: float
    followed: float
    cpu_ms_p50: float
    cpu_ms_p95: float
    cpu_ms_mean: float
    real_time_factor: float

    def to_json(self) -> dict[str, Any]:
        """Return all figures, rounded."""
        return {name: round(value, 4) if isinstance(value, float) else value for name, value in asdict(self).items()}


def time_tracker(load: Load, seconds: float, progress: Callable[[float], None] = lambda share: None) -> TrackerTimes:
    """Track a made-up crowd for so many seconds; its detections are made outside the time that is measured."""
    crowd = MadeCrowd(load.people, load.cameras, _SEED)
    tracker = MultiViewTracker(TrackerParameters(), crowd.cameras)
    costs: list[float] = []
    boxes, near, there = 0, 0, 0
    for detections in crowd.frames(WARM_UP_S + seconds):
        started = time.process_time_ns()
        tracker.update(detections)
        snapshots = tracker.drain()
        cost_ms = (time.process_time_ns() - started) * 1e-6
        if detections.stamp_ns < WARM_UP_S * 1e9:
            continue
        costs.append(cost_ms)
        boxes += len(detections)
        for snapshot in snapshots:
            near += _followed(snapshot, crowd.places)
            there += load.people
        progress(detections.stamp_ns * 1e-9 / (WARM_UP_S + seconds))
    p50, p95 = np.percentile(costs, [50, 95])
    spent_s = sum(costs) * 1e-3
    return TrackerTimes(
        load.people,
        load.cameras,
        len(costs),
        boxes / len(costs),
        near / max(there, 1),
        float(p50),
        float(p95),
        float(np.mean(costs)),
        len(costs) / load.cameras / 10.0 / spent_s,
    )


def growth(times: Sequence[TrackerTimes]) -> float:
    """Return the power of the number of people with which the mean cost of an update grows (1: in proportion).

    It is the slope of a straight line through the logarithms of both (least squares), of loads with the same cameras.
    """
    people = np.log([row.people for row in times])
    cost = np.log([row.cpu_ms_mean for row in times])
    return float(np.polyfit(people, cost, 1)[0])


def _followed(snapshot: Shoppers, places: np.ndarray[Any, np.dtype[np.float64]]) -> int:
    """Return how many people have a confirmed track near; they have moved on a little since the snapshot."""
    tracks = [s.mean[:2] for s in snapshot.shoppers if s.state is TrackState.CONFIRMED]
    if not tracks:
        return 0
    distance = np.linalg.norm(places[:, None] - np.array(tracks)[None], axis=2)
    return int((distance.min(axis=1) < _NEAR_M).sum())
