"""Notices that a camera was bumped: its view of people stays shifted while the other cameras agree."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from walkout.settings import setting, settings_of
from walkout.store.model import Camera

FloatArray = NDArray[np.float64]

JUDGED_EVERY_NS = 1_000_000_000
"""Medians over thousands of samples are not worth taking more often."""


@dataclass(frozen=True)
class DriftParameters:
    """When a camera counts as moved.

    ``bound`` is a fraction of the image's width (0.01 of 640 pixels at 90 degrees is 1.1 degrees at its centre);
    a camera is judged by at least ``min_samples`` in the last ``window_s`` seconds.

    Raises:
        ValueError: a value outside its range.
    """

    bound: float = setting(0.01, "largest median residual of a camera, of its width", unit="1", range=(0.001, 0.5))
    hold_s: float = setting(30.0, "so long a camera must be beyond the bound", unit="s", range=(0.1, 3600.0))
    window_s: float = setting(20.0, "residuals of this time count", unit="s", range=(1.0, 3600.0))
    min_samples: int = setting(30, "fewer residuals of a camera say nothing", unit="1", range=(3, 100000))

    def __post_init__(self) -> None:
        """Check the ranges."""
        for item in settings_of(type(self)):
            item.check(getattr(self, item.name))


@dataclass(frozen=True)
class CameraDrift:
    """What is known of one camera: the running median residual (pixels, NaN: too few samples) and the alarm."""

    camera_id: str
    median_px: float
    samples: int
    alarm: bool


@dataclass
class _Record:
    residuals: deque[tuple[int, float, float]] = field(default_factory=deque)
    beyond_since_ns: int | None = None
    alarm: bool = False


class DriftMonitor:
    """Watches the residuals between where people are tracked and where each camera sees them.

    The median over the window, of each pixel axis apart and of the distance, is what one wrong pairing or a person who
    bends cannot move. The axes are held against ``bound``, the distance (a camera turned about its axis shifts nothing
    on average) against twice that. An alarm needs two other cameras that agree, for if all are off, something else is
    wrong; it ends when the camera agrees again for ``hold_s``.
    """

    def __init__(self, cameras: Sequence[Camera], parameters: DriftParameters = DriftParameters()) -> None:
        self.parameters = parameters
        self._widths = {camera.camera_id: camera.width for camera in cameras}
        self._records = {camera.camera_id: _Record() for camera in cameras}
        self._judged_ns: int | None = None
        self._states: list[CameraDrift] = []

    def clear(self) -> None:
        """Forget everything (the clock jumped back)."""
        self._records = {camera_id: _Record() for camera_id in self._records}
        self._judged_ns = None

    def add(self, camera_id: str, stamp_ns: int, seen: FloatArray, expected: FloatArray) -> None:
        """Take pixels (n, 2) of a person's points as seen and as expected from the track; NaN rows are skipped."""
        record = self._records.get(camera_id)
        residual = np.asarray(seen, dtype=float) - np.asarray(expected, dtype=float)
        residual = residual[np.isfinite(residual).all(axis=1)]
        if record is not None and len(residual):
            # One person is one sample: his points err together.
            u, v = np.median(residual, axis=0)
            record.residuals.append((stamp_ns, float(u), float(v)))

    def advance(self, now_ns: int) -> list[CameraDrift]:
        """Return the state of all cameras at a time; it is judged afresh once a second."""
        if self._judged_ns is not None and 0 <= now_ns - self._judged_ns < JUDGED_EVERY_NS:
            return self._states
        self._judged_ns = now_ns
        sizes = {camera_id: self._excess(camera_id, now_ns) for camera_id in self._records}
        agreeing = {c for c, (excess, _, count) in sizes.items() if count and excess <= 1.0}
        states = []
        for camera_id, (excess, median, count) in sizes.items():
            record = self._records[camera_id]
            if count:
                self._judge(record, excess > 1.0 and len(agreeing - {camera_id}) >= 2, now_ns)
            states.append(CameraDrift(camera_id, median, count, record.alarm))
        self._states = states
        return states

    def _excess(self, camera_id: str, now_ns: int) -> tuple[float, float, int]:
        """Return the median residual over its bound, in pixels, and the samples (0: too few)."""
        p, records = self.parameters, self._records[camera_id].residuals
        while records and records[0][0] < now_ns - int(p.window_s * 1e9):
            records.popleft()
        if len(records) < p.min_samples:
            return 0.0, float("nan"), 0
        moves = np.array([(u, v) for _, u, v in records])
        shift = float(np.linalg.norm(np.median(moves, axis=0)))
        distance = float(np.median(np.linalg.norm(moves, axis=1)))
        bound = p.bound * self._widths[camera_id]
        return max(shift / bound, distance / (2 * bound)), max(shift, distance / 2), len(records)

    def _judge(self, record: _Record, beyond: bool, now_ns: int) -> None:
        """Raise or end the alarm when the camera has been otherwise for ``hold_s``."""
        if beyond == record.alarm:
            record.beyond_since_ns = None
            return
        if record.beyond_since_ns is None or record.beyond_since_ns > now_ns:
            record.beyond_since_ns = now_ns
        if now_ns - record.beyond_since_ns >= int(self.parameters.hold_s * 1e9):
            record.alarm, record.beyond_since_ns = beyond, None
