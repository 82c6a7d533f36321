"""Which detection shows which tracked shopper, asked of the finished tracks: for calibration and its alarm.

The tracker's own assignment leaves out what does not fit; here a camera that has been moved must still find its
shoppers, so the gate is wide and only what is unmistakable counts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from walkout.geometry.camera import project
from walkout.perception.types import KEYPOINT_COUNT, Detections, Keypoint
from walkout.store.model import Camera
from walkout.tracking.types import Shoppers, ShopperState, TrackState
from walkout.tracking.view import AXIS_HEIGHTS

FloatArray = NDArray[np.float64]

PARTS = ("head", "neck", "hips", "feet")
"""The points of a shopper that are compared, in the order of ``Sighting.seen``; hips and feet are midpoints."""
_JOINTS = (
    (Keypoint.HEAD,),
    (Keypoint.NECK,),
    (Keypoint.LEFT_HIP, Keypoint.RIGHT_HIP),
    (Keypoint.LEFT_FOOT, Keypoint.RIGHT_FOOT),
)


@dataclass(frozen=True)
class SightingParameters:
    """When a detection is unmistakably a shopper's."""

    gate: float = 0.15
    """Largest distance of the parts as a fraction of the image's width."""
    distinct: float = 2.0
    """The next best pairing must be so many times further away."""
    min_confidence: float = 0.5
    max_wait_s: float = 2.0


@dataclass(frozen=True)
class Sighting:
    """A shopper in a picture: ``seen`` (4, 2) pixels of PARTS (NaN: unseen), ``expected`` (4, 2) by the track."""

    camera_id: str
    stamp_ns: int
    track_id: int
    seen: FloatArray
    expected: FloatArray
    box_height: float


class ShopperSightings:
    """Pairs detections with the tracks that the tracker publishes a little later."""

    def __init__(
        self,
        cameras: Sequence[Camera],
        parameters: SightingParameters = SightingParameters(),
    ) -> None:
        self.parameters = parameters
        self._cameras = {camera.camera_id: camera for camera in cameras}
        self._waiting: deque[Detections] = deque(maxlen=4096)
        self._last: Shoppers | None = None

    def clear(self) -> None:
        """Forget what waits (the clock jumped back)."""
        self._waiting.clear()
        self._last = None

    def add_detections(self, detections: Detections) -> None:
        """Take the detections of one frame; they wait for the tracks of their time."""
        if detections.camera_id in self._cameras and len(detections) == len(detections.keypoints):
            self._waiting.append(detections)

    def add_shoppers(self, shoppers: Shoppers) -> list[Sighting]:
        """Take a snapshot of the tracks and return the sightings in frames between it and the one before."""
        last, self._last = self._last, shoppers
        if last is None or not last.stamp_ns < shoppers.stamp_ns:
            return []
        ready = [d for d in self._waiting if d.stamp_ns <= shoppers.stamp_ns]
        oldest = shoppers.stamp_ns - int(self.parameters.max_wait_s * 1e9)
        kept = [d for d in self._waiting if d.stamp_ns > shoppers.stamp_ns]
        self._waiting.clear()
        self._waiting.extend(kept)
        found: list[Sighting] = []
        for detections in ready:
            if detections.stamp_ns >= max(last.stamp_ns, oldest):
                found += self._match(detections, last, shoppers)
        return found

    def _match(self, detections: Detections, before: Shoppers, after: Shoppers) -> list[Sighting]:
        camera = self._cameras[detections.camera_id]
        share = (detections.stamp_ns - before.stamp_ns) / (after.stamp_ns - before.stamp_ns)
        earlier = {s.track_id: s for s in before.shoppers if s.state is TrackState.CONFIRMED}
        tracks = [s for s in after.shoppers if s.state is TrackState.CONFIRMED and s.track_id in earlier]
        if not tracks or not len(detections):
            return []
        points = np.stack([_between(earlier[s.track_id], s, share) for s in tracks])
        expected = project(camera, points.reshape(-1, 3))[0].reshape((*points.shape[:2], 2))
        seen = observed_parts(detections, self.parameters.min_confidence)
        apart = np.linalg.norm(seen[:, None] - expected[None], axis=3)
        both = np.isfinite(apart)
        counted = both.sum(axis=2)
        distance = np.where(both, apart, 0.0).sum(axis=2) / np.maximum(counted, 1)
        gate = self.parameters.gate * camera.width
        distance = np.where(counted > 0, distance, 4 * gate)
        found = []
        for i, j in zip(*linear_sum_assignment(np.minimum(distance, 4 * gate)), strict=True):
            rival = min(np.delete(distance[i], j).min(initial=np.inf), np.delete(distance[:, j], i).min(initial=np.inf))
            if distance[i, j] < gate and rival > self.parameters.distinct * distance[i, j] + 0.01 * camera.width:
                height = float(detections.boxes[i, 3] - detections.boxes[i, 1])
                found.append(
                    Sighting(camera.camera_id, detections.stamp_ns, tracks[j].track_id, seen[i], expected[j], height)
                )
        return found


def observed_parts(detections: Detections, min_confidence: float) -> FloatArray:
    """Return the pixels (d, 4, 2) of PARTS in a frame's detections, NaN where they are not seen surely."""
    points = np.full((len(detections), len(PARTS), 2), np.nan)
    if detections.keypoints.shape[1:] != (KEYPOINT_COUNT, 3):
        return points
    for part, joints in enumerate(_JOINTS):
        given = detections.keypoints[:, list(joints)].astype(float)
        sure = given[..., 2].min(axis=1) >= min_confidence
        points[sure, part] = given[sure, :, :2].mean(axis=1)
    return points


def _between(before: ShopperState, after: ShopperState, share: float) -> FloatArray:
    """Return the parts (4, 3) of a shopper between two snapshots: tracked joints, else the upright body's axis."""
    mean = (1 - share) * before.mean + share * after.mean
    joints = (1 - share) * before.keypoints + share * after.keypoints
    points = np.empty((len(PARTS), 3))
    for part, names in enumerate(_JOINTS):
        tracked = joints[list(names)].mean(axis=0)
        upright = np.array([mean[0], mean[1], AXIS_HEIGHTS[part] * mean[4]])
        points[part] = tracked if np.isfinite(tracked).all() else upright
    return points
