"""Other people's trackers on the same detections, to know what the store's own one is worth.

Both get one list of places on the floor per frame: every box's foot point is projected to the floor, and feet of
different cameras that lie close together are one place. ``norfair`` follows them with its own tracker; ``SORT`` (Bewley
et al. 2016) is a constant-velocity Kalman filter of ``filterpy`` per track with the Hungarian algorithm.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from walkout.errors import UserError
from walkout.evaluation.tracking_run import Surrounded, TrackingRun
from walkout.evaluation.tracking_sequence import Places, Sequence

FloatArray = NDArray[np.float64]
Follower = Callable[[FloatArray], list[tuple[int, float, float]]]

_CLUSTER_M = 0.8
_GATE_M = 1.0
_MAX_AGE = 3
_MIN_HITS = 2


def run_baselines(sequence: Sequence) -> dict[str, TrackingRun]:
    """Run norfair and SORT on a sequence.

    Raises:
        UserError: one of the two packages is not installed.
    """
    try:
        trackers: dict[str, Follower] = {"norfair": _norfair(), "SORT": Sort(1 / sequence.fps).update}
    except ModuleNotFoundError as error:
        raise UserError(f"--baselines: {error.name} is not installed; run 'scripts/setup --test'") from error
    places = {frame: floor_places(sequence, frame) for frame in sequence.frames}
    return {name: _follow(tracker, places, sequence) for name, tracker in trackers.items()}


def _follow(tracker: Follower, places: dict[int, FloatArray], sequence: Sequence) -> TrackingRun:
    before = time.process_time()
    area = Surrounded(sequence.cameras)  # as for ours: who walks outside is followed, but not reported
    found = {frame: tracker(places[frame]) for frame in sequence.frames}
    tracks = {
        frame: Places.of([place for place in told if area.holds(np.array(place[1:]))]) for frame, told in found.items()
    }
    spent = time.process_time() - before
    return TrackingRun(tracks, 1e3 * spent / len(sequence.frames), {})


def floor_places(sequence: Sequence, frame: int) -> FloatArray:
    """Return the places (n, 2) at which at least two cameras (of several) find feet in a frame."""
    feet, views = [], []
    for number, camera in enumerate(sequence.cameras):
        boxes = sequence.boxes.get((frame, camera.camera_id), np.zeros((0, 5)))
        pixels = np.column_stack([(boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3], np.ones(len(boxes))])
        # On the floor z is 0, so the projection is a homography of x, y.
        ground = pixels @ np.linalg.inv(camera.projection[:, [0, 1, 3]]).T
        feet.append(ground[:, :2] / ground[:, 2:])
        views.append(np.full(len(boxes), number))
    needed = min(2, len(sequence.cameras))
    return _clusters(np.concatenate(feet), np.concatenate(views), needed)


def _clusters(feet: FloatArray, views: NDArray[np.int_], needed: int) -> FloatArray:
    """Return the means of groups of feet, largest first, at most one foot point of each view in a group."""
    near = np.hypot(*(feet[:, None] - feet[None]).transpose(2, 0, 1)) if len(feet) else np.zeros((0, 0))
    free = np.ones(len(feet), dtype=np.bool_)
    found = []
    while free.any():
        best: list[int] = []
        for seed in np.flatnonzero(free):
            members: dict[int, int] = {}
            for other in np.argsort(near[seed], kind="stable"):
                if near[seed, other] > _CLUSTER_M:
                    break
                if free[other]:
                    members.setdefault(int(views[other]), int(other))
            if len(members) > len(best):
                best = list(members.values())
        if len(best) < needed:
            break
        free[best] = False
        found.append(feet[best].mean(axis=0))
    return np.array(found).reshape(-1, 2)


def _norfair() -> Follower:
    from norfair.tracker import Detection, Tracker  # test requirement, not needed to run a store

    tracker = Tracker(
        distance_function="euclidean",
        distance_threshold=_GATE_M,
        hit_counter_max=_MAX_AGE,
        initialization_delay=_MIN_HITS - 1,
    )

    def update(places: FloatArray) -> list[tuple[int, float, float]]:
        seen = tracker.update([Detection(place[None]) for place in places])
        return [(int(o.id), float(o.estimate[0, 0]), float(o.estimate[0, 1])) for o in seen if o.id is not None]

    return update


class Sort:
    """SORT with places on the floor in the stead of boxes in a picture, ``period_s`` seconds from frame to frame."""

    def __init__(self, period_s: float) -> None:
        from filterpy.kalman import KalmanFilter

        self._new: Callable[..., Any] = KalmanFilter
        self._period = period_s
        self._tracks: list[dict[str, Any]] = []
        self._count = 0

    def update(self, places: FloatArray) -> list[tuple[int, float, float]]:
        """Take the places (n, 2) of one frame and return id, x, y of the tracks that were found in it."""
        for track in self._tracks:
            track["filter"].predict()
        known = np.array([t["filter"].x[:2, 0] for t in self._tracks]).reshape(-1, 2)
        distance = np.hypot(*(known[:, None] - places[None]).transpose(2, 0, 1))
        rows, columns = linear_sum_assignment(np.where(distance < _GATE_M, distance, 1e3))
        pairs = [(r, c) for r, c in zip(rows.tolist(), columns.tolist(), strict=True) if distance[r, c] < _GATE_M]
        for track in self._tracks:
            track["missed"] += 1
        for row, column in pairs:
            track = self._tracks[row]
            track["filter"].update(places[column])
            track["hits"], track["missed"] = track["hits"] + 1, 0
        for column in sorted(set(range(len(places))) - {c for _, c in pairs}):
            self._tracks.append(self._born(places[column]))
        self._tracks = [t for t in self._tracks if t["missed"] <= _MAX_AGE]
        ready = [t for t in self._tracks if t["missed"] == 0 and t["hits"] >= _MIN_HITS]
        return [(t["id"], float(t["filter"].x[0, 0]), float(t["filter"].x[1, 0])) for t in ready]

    def _born(self, place: FloatArray) -> dict[str, Any]:
        motion = self._new(dim_x=4, dim_z=2)
        motion.F = np.eye(4)
        motion.F[[0, 1], [2, 3]] = self._period
        motion.H = np.eye(2, 4)
        motion.R = np.eye(2) * 0.2**2
        motion.P = np.diag([0.2**2, 0.2**2, 1.0, 1.0])
        motion.Q = np.diag([0.1**2, 0.1**2, 0.5**2, 0.5**2]) * self._period
        motion.x = np.array([[place[0]], [place[1]], [0.0], [0.0]])
        self._count += 1
        return {"id": self._count, "filter": motion, "hits": 1, "missed": 0}
