"""The store's tracker on a recorded sequence, with one configuration per camera geometry."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from walkout.evaluation.tracking_sequence import EntryZone, Places, Sequence
from walkout.store.model import Camera, Zone, ZoneKind
from walkout.tracking.parameters import TrackerParameters
from walkout.tracking.tracker import MultiViewTracker
from walkout.tracking.types import Shoppers, TrackState

_ZONE_CORNERS = 16
_AREA_MARGIN_M = 1.0
"""How far people can stand behind the line between two cameras and still be in the room."""
_PLACE_SD_M = 0.35
"""Whoever's place is less certain than this (root of the summed variances of x and y) is followed, but not reported."""
_BEYOND_SD_M = 0.25
"""The same beyond the line between two cameras, where the room may end and few cameras look."""


@dataclass(frozen=True)
class TrackingRun:
    """What a tracker made of a sequence.

    ``tracks`` maps frames to places; ``ms_per_frame`` is the mean processor time that all cameras of one frame took,
    in milliseconds; ``reports`` counts what the tracker had to complain about.
    """

    tracks: Mapping[int, Places]
    ms_per_frame: float
    reports: Mapping[str, int]


def configure(sequence: Sequence) -> tuple[TrackerParameters, tuple[Zone, ...]]:
    """Return the tracker's parameters and zones for the cameras of a sequence.

    They follow from the frame rate and the entry zone alone, never from who walks there or how long the recording is.
    """
    period = sequence.period_ns / 1e9
    rare = period >= TrackerParameters.rare_period_s
    parameters = TrackerParameters(
        output_period_s=period,
        reorder_window_s=period / 2,
        birth_window_s=period / 2,
        lost_after_s=max(1.5, 3 * period),
        lost_keep_s=30.0,
        clock_jump_s=max(2.0, 3 * period),
        exit_close_s=0.3,
        confirm_hits=2 if rare else 6,
        confirm_age_s=0.0 if rare else 0.2,
        detection_probability=0.8,
        acceleration_sd=0.6,  # people who cross a room walk more steadily than who shops
        max_speed=2.0,
        merge_distance=0.3,
        place_floor_sd=0.0,  # which places are told was chosen by what the filter knows
        height_drift=0.02,  # people who walk through do not crouch
        stay_s=20.0,
        least_existence=0.3,  # few cameras and few frames: in a crowd everybody is doubted, and most of them wrongly
    )
    return parameters, () if sequence.entry_zone is None else entry_zones(sequence.entry_zone)


def entry_zones(zone: EntryZone) -> tuple[Zone, ...]:
    """Return a circle where people come and go as an entry and an exit zone, each a regular polygon around it."""
    angle = np.arange(_ZONE_CORNERS) * (2 * np.pi / _ZONE_CORNERS)
    radius = zone.radius / np.cos(np.pi / _ZONE_CORNERS)
    corners = tuple((float(zone.x + radius * np.cos(a)), float(zone.y + radius * np.sin(a))) for a in angle)
    return Zone("entry", ZoneKind.ENTRY, corners), Zone("exit", ZoneKind.EXIT, corners)


class Surrounded:
    """The floor between the cameras, widened by a margin: what they were put up to watch.

    Without a store description that is all that is known of where people count. Cameras look beyond it, and who
    walks there is tracked, for he hides others, but not reported. Fewer than three cameras surround nothing; nor do
    cameras in a line: then everywhere counts.
    """

    def __init__(self, cameras: Iterable[Camera], margin_m: float = _AREA_MARGIN_M) -> None:
        places = np.array([camera.position[:2] for camera in cameras]).reshape(-1, 2)
        self._margin = margin_m
        self._edges = np.zeros((0, 3))
        if len(places) >= 3:
            with contextlib.suppress(QhullError):
                self._edges = ConvexHull(places).equations

    def holds(self, place: NDArray[np.float64]) -> bool:
        """Return whether a place (2,) in metres lies in the area."""
        return self._beyond(place) <= self._margin

    def required_sd(self, place: NDArray[np.float64]) -> float:
        """Return how certain (metres) a place (2,) must be to be reported; 0 outside the area, where nothing is."""
        if not self.holds(place):
            return 0.0
        return _PLACE_SD_M if self._beyond(place) <= 0 else _BEYOND_SD_M

    def _beyond(self, place: NDArray[np.float64]) -> float:
        """Return how far (metres) a place lies beyond the line between two cameras, negative before it."""
        return float((self._edges[:, :2] @ place + self._edges[:, 2]).max(initial=-np.inf))


def run_tracker(sequence: Sequence, progress: Callable[[], None] | None = None) -> TrackingRun:
    """Track a sequence frame by frame; what is said of a frame rests on it and those before it."""
    parameters, zones = configure(sequence)
    tracker = MultiViewTracker(parameters, sequence.cameras, zones)
    area = Surrounded(sequence.cameras)
    snapshots: list[Shoppers] = []
    spent = 0.0
    for frame in sequence.frames:
        given = list(sequence.detections(frame))
        before = time.process_time()
        for detections in given:
            tracker.update(detections)
        snapshots += tracker.drain()
        spent += time.process_time() - before
        if progress is not None:
            progress()
    tracker.flush()
    tracker.advance((sequence.frames[-1] + 1) * sequence.period_ns)
    snapshots += tracker.drain()
    tracks = {round(s.stamp_ns / sequence.period_ns): _places(s, area) for s in snapshots}
    return TrackingRun(tracks, 1e3 * spent / len(sequence.frames), Counter(tracker.reports))


def _places(snapshot: Shoppers, area: Surrounded) -> Places:
    there = [s for s in snapshot.shoppers if s.state is TrackState.CONFIRMED and s.existence_probability >= 0.5]
    there = [s for s in there if float(np.trace(s.covariance[:2, :2])) < area.required_sd(s.mean[:2]) ** 2]
    return Places.of([(s.track_id, float(s.mean[0]), float(s.mean[1])) for s in there])
