"""How many cameras had a wrist in view: not how many see the shopper, who hides half of their hands themselves."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from walkout.evaluation.movement import Placed
from walkout.geometry.camera import project
from walkout.perception.types import KEYPOINT_COUNT, Detections, Keypoint
from walkout.store.model import Camera

FloatArray = NDArray[np.float64]

_WRISTS = [Keypoint.LEFT_WRIST, Keypoint.RIGHT_WRIST]
MIN_CONFIDENCE = 0.5
SAME_TIME_NS = 60_000_000
SAME_PLACE = 0.1
"""A keypoint this near to the projected true wrist, as a share of its box's height, shows it."""


@dataclass
class WristSightings:
    """The wrists that the detector was sure of, by camera in the order of time."""

    cameras: Mapping[str, Camera]
    _stamps: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    _frames: dict[str, list[tuple[FloatArray, FloatArray]]] = field(default_factory=lambda: defaultdict(list))

    def note(self, detections: Detections) -> None:
        """Keep the wrists of one frame."""
        if detections.keypoints.shape[1:] != (KEYPOINT_COUNT, 3) or detections.camera_id not in self.cameras:
            return
        wrists = detections.keypoints[:, _WRISTS].astype(float)
        pixels = np.where((wrists[..., 2] >= MIN_CONFIDENCE)[..., None], wrists[..., :2], np.nan)
        heights = (detections.boxes[:, 3] - detections.boxes[:, 1]).astype(float)
        self._stamps[detections.camera_id].append(detections.stamp_ns)
        self._frames[detections.camera_id].append((pixels, heights))

    def count(self, truth: Placed) -> NDArray[np.int64]:
        """Return in how many cameras' frames of this time each wrist (n, 2) was found where it is; sides may differ.

        The network's left and right do not matter here: whether a camera shows the wrist is what is counted.
        """
        views = np.zeros((len(truth.ids), 2), dtype=np.int64)
        for camera_id, stamps in self._stamps.items():
            found = self._nearest(stamps, truth.stamp_ns)
            if found is None or not len(truth.ids):
                continue
            pixels, heights = self._frames[camera_id][found]
            if not len(pixels):
                continue
            expected, depth = project(self.cameras[camera_id], truth.wrists.reshape(-1, 3))
            apart = np.linalg.norm(expected[:, None, None] - pixels[None], axis=3) / heights[None, :, None]
            shown = (np.nan_to_num(apart, nan=np.inf) < SAME_PLACE).any(axis=(1, 2)) & (depth > 0)
            views += shown.reshape(views.shape)
        return views

    @staticmethod
    def _nearest(stamps: list[int], stamp_ns: int) -> int | None:
        after = bisect_left(stamps, stamp_ns)
        near = [k for k in (after - 1, after) if 0 <= k < len(stamps)]
        best = min(near, key=lambda k: abs(stamps[k] - stamp_ns), default=None)
        return best if best is not None and abs(stamps[best] - stamp_ns) <= SAME_TIME_NS else None
