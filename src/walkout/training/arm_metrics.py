"""How good the arm finder is on labelled pictures, beside the detector's own joints of the same shoppers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from walkout.drivers.types import Frame
from walkout.perception.arm_frames import ARM_JOINTS
from walkout.perception.arms import ArmFinder
from walkout.perception.detector import Detector
from walkout.perception.types import KEYPOINT_COUNT
from walkout.training.arm_samples import WRISTS, matched
from walkout.training.labels import Visibility
from walkout.training.shards import Sample

NEAR_PIXELS = 8.0
"""About how far from its true cell a joint may be found by chance of the grid's neighbours."""


@dataclass(frozen=True)
class ArmScore:
    """Rows, one per found shopper that counts.

    ``first`` and ``second`` (n, 8) errors in pixels of the picture, of the detector's joints and the arm finder's;
    ``sure`` (n, 8) and ``first_sure`` the confidences; ``state`` (n, 8) Visibility; ``outstretched`` (n, 2).
    """

    pictures: int
    first: NDArray[np.float64]
    second: NDArray[np.float64]
    first_sure: NDArray[np.float64]
    sure: NDArray[np.float64]
    state: NDArray[np.float64]
    outstretched: NDArray[np.float64]

    def wrists(self) -> NDArray[np.float64]:
        """Return rows (m, 6): first, second, first_sure, sure, state and outstretched of every wrist in a picture."""
        columns = (self.first, self.second, self.first_sure, self.sure, self.state)
        rows = np.stack([*(column[:, WRISTS] for column in columns), self.outstretched], axis=2).reshape(-1, 6)
        return np.asarray(rows[rows[:, 4] != Visibility.OUTSIDE])


def evaluate(detector: Detector, finder: ArmFinder, samples: Sequence[Sample]) -> ArmScore:
    """Look for the arms of all shoppers that the detector finds in labelled pictures."""
    parts: list[tuple[NDArray[np.floating], ...]] = []
    joints = len(ARM_JOINTS)
    for sample in samples:
        found = detector.detect(Frame("", 0, sample.image))
        rows, people = matched(found.boxes, sample.labels)
        if not len(rows):
            continue
        first = found.keypoints[rows]
        second = finder.find(sample.image, found.boxes[rows], first)
        truth = sample.labels.joints[people][:, ARM_JOINTS]
        errors = [np.linalg.norm(given[:, :joints, :2] - truth[:, :, :2], axis=2) for given in (first, second)]
        sure = (first[:, :joints, 2], second[:, :, 2])
        parts.append((*errors, *sure, truth[:, :, 2], sample.labels.outstretched()[people]))
    if not parts:
        raise ValueError("the detector finds nobody in the judging pictures")
    return ArmScore(len(samples), *(np.concatenate(column).astype(np.float64) for column in zip(*parts, strict=True)))


def milliseconds_per_shopper(finder: ArmFinder, image: NDArray[np.uint8], runs: int = 60) -> float:
    """Return the median CPU milliseconds for one shopper of a picture of four."""
    boxes = np.tile(np.array([[200.0, 120.0, 280.0, 360.0]], np.float32), (4, 1))
    keypoints = np.zeros((4, KEYPOINT_COUNT, 3), np.float32)
    keypoints[:, :, :2] = (240.0, 200.0)
    times = []
    for _ in range(runs + 5):
        began = time.thread_time()
        finder.find(image, boxes, keypoints)
        times.append(1e3 * (time.thread_time() - began) / len(boxes))
    return float(np.median(times[5:]))
