"""How good a detector is on labelled pictures: average precision of boxes, error of joints, worth of confidences."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from walkout.drivers.types import Frame
from walkout.perception.decode import box_iou
from walkout.perception.detector import Detector
from walkout.perception.types import KEYPOINT_COUNT, Detections, Keypoint
from walkout.training.labels import Labels, Visibility
from walkout.training.shards import Sample

WRISTS = (Keypoint.LEFT_WRIST, Keypoint.RIGHT_WRIST)
PCK_PIXELS = 5.0


@dataclass
class DetectorScore:
    """Figures over a set of pictures, in pixels of these pictures.

    ``joint_error`` (12,) median over the seen joints of found shoppers, ``joint_pck`` (12,) share within PCK_PIXELS;
    ``wrist_either_*`` the same of the nearer one of the two found wrists, whatever its side; ``wrist_confident_*`` of
    those of them with a confidence of at least 0.5, and what share of the seen ones that is; ``stretched_*`` of seen
    wrists whose arm is more outstretched than hanging.
    """

    pictures: int
    shoppers: int
    ap50: float
    ap75: float
    precision: float
    recall: float
    joint_error: NDArray[np.float64]
    joint_pck: NDArray[np.float64]
    hidden_wrist_error: float
    wrist_either_error: float
    wrist_either_pck: float
    wrist_confident_error: float
    wrist_confident_p90: float
    wrist_confident_share: float
    stretched_error: float
    stretched_pck: float
    head_error: float = field(init=False)
    wrist_error: float = field(init=False)
    foot_error: float = field(init=False)
    wrist_pck: float = field(init=False)

    def __post_init__(self) -> None:
        self.head_error = float(self.joint_error[Keypoint.HEAD])
        self.wrist_error = float(self.joint_error[list(WRISTS)].mean())
        self.foot_error = float(self.joint_error[[Keypoint.LEFT_FOOT, Keypoint.RIGHT_FOOT]].mean())
        self.wrist_pck = float(self.joint_pck[list(WRISTS)].mean())


@dataclass
class _Tally:
    scores: list[float] = field(default_factory=list)
    hits: dict[float, list[bool]] = field(default_factory=lambda: {0.5: [], 0.75: []})
    shoppers: int = 0
    joints: list[NDArray[np.float64]] = field(default_factory=list)
    """Rows of (12, 3): error in pixels, confidence, Visibility; one per found shopper."""
    wrists: list[tuple[float, float]] = field(default_factory=list)
    """Per seen wrist of a found shopper: error in pixels and confidence of the nearer found wrist of either side."""
    stretched: list[float] = field(default_factory=list)
    """Per seen wrist of a found shopper's outstretched arm: error in pixels."""


def evaluate(detector: Detector, samples: Iterable[Sample]) -> DetectorScore:
    """Run the detector over labelled pictures."""
    tally, pictures = _Tally(), 0
    for sample in samples:
        pictures += 1
        _add(tally, detector.detect(Frame("", 0, sample.image)), sample.labels)
    joints = np.array(tally.joints).reshape(-1, KEYPOINT_COUNT, 3)
    seen = np.where(joints[..., 2] == Visibility.SEEN, joints[..., 0], np.nan)
    hits = np.array(tally.hits[0.5], dtype=bool)
    wrists = joints[:, list(WRISTS)].reshape(-1, 3)
    hidden = wrists[wrists[:, 2] == Visibility.HIDDEN, 0]
    either = np.array(tally.wrists).reshape(-1, 2)
    sure = either[either[:, 1] >= 0.5, 0]
    return DetectorScore(
        pictures,
        tally.shoppers,
        _average_precision(tally, 0.5),
        _average_precision(tally, 0.75),
        float(hits.mean()) if len(hits) else 0.0,
        float(hits.sum() / max(tally.shoppers, 1)),
        np.array([np.median(column[~np.isnan(column)]) if len(column) else np.nan for column in seen.T]),
        np.array([np.mean(column[~np.isnan(column)] <= PCK_PIXELS) if len(column) else np.nan for column in seen.T]),
        float(np.median(hidden)) if len(hidden) else float("nan"),
        float(np.median(either[:, 0])) if len(either) else float("nan"),
        float(np.mean(either[:, 0] <= PCK_PIXELS)) if len(either) else float("nan"),
        float(np.median(sure)) if len(sure) else float("nan"),
        float(np.quantile(sure, 0.9)) if len(sure) else float("nan"),
        len(sure) / max(len(either), 1),
        float(np.median(tally.stretched)) if tally.stretched else float("nan"),
        float(np.mean(np.array(tally.stretched) <= PCK_PIXELS)) if tally.stretched else float("nan"),
    )


def _add(tally: _Tally, found: Detections, truth: Labels) -> None:
    counted = truth.counted()
    stretched = (truth.outstretched() > 0.5) & (truth.joints[:, list(WRISTS), 2] == Visibility.SEEN)
    tally.shoppers += int(counted.sum())
    overlap = box_iou(found.boxes, truth.boxes)
    matches = {limit: _match(overlap, counted, limit) for limit in tally.hits}
    for row in range(len(found)):
        if matches[0.5][row] == _EXCUSED:
            continue
        tally.scores.append(float(found.scores[row]))
        for limit, hits in tally.hits.items():
            hits.append(bool(matches[limit][row] >= 0))
        person = matches[0.5][row]
        if person >= 0:
            error = np.linalg.norm(found.keypoints[row, :, :2] - truth.joints[person, :, :2], axis=1)
            tally.wrists += _either_wrist(found.keypoints[row], truth.joints[person])
            tally.stretched += error[list(WRISTS)][stretched[person]].tolist()
            tally.joints.append(np.column_stack([error, found.keypoints[row, :, 2], truth.joints[person, :, 2]]))


def _either_wrist(found: NDArray[np.floating], truth: NDArray[np.floating]) -> list[tuple[float, float]]:
    result = []
    for x, y, state in truth[list(WRISTS)]:
        if state == Visibility.SEEN:
            distance = np.hypot(*(found[list(WRISTS), :2] - (x, y)).T)
            nearer = int(distance.argmin())
            result.append((float(distance[nearer]), float(found[WRISTS[nearer], 2])))
    return result


_WRONG, _EXCUSED = -1, -2


def _match(overlap: NDArray[np.floating], counted: NDArray[np.bool_], limit: float) -> list[int]:
    """Return for each detection, best first, the shopper it finds, _WRONG, or _EXCUSED: one too hidden to count."""
    free, result = counted.copy(), []
    for row in overlap:
        candidates = np.where(free, row, 0.0)
        if candidates.size and candidates.max() >= limit:
            result.append(int(candidates.argmax()))
            free[result[-1]] = False
        elif np.where(counted, 0.0, row).max(initial=0.0) >= 0.3:
            result.append(_EXCUSED)
        else:
            result.append(_WRONG)
    return result


def _average_precision(tally: _Tally, limit: float) -> float:
    """Return the area under the precision-recall curve, precision made monotonous."""
    if not tally.scores or not tally.shoppers:
        return 0.0
    hits = np.array(tally.hits[limit])[np.argsort(-np.array(tally.scores), kind="stable")]
    true = np.cumsum(hits)
    precision = np.maximum.accumulate((true / np.arange(1, len(hits) + 1))[::-1])[::-1]
    return float(np.sum(np.diff(np.concatenate([[0.0], true / tally.shoppers])) * precision))


def milliseconds_per_frame(detector: Detector, image: NDArray[np.uint8], runs: int = 60) -> float:
    """Return the median CPU milliseconds of one ``detect``: processor time, so that a busy machine does not blur it."""
    frame = Frame("", 0, np.asarray(cv2.resize(image, (640, 480), interpolation=cv2.INTER_LINEAR), dtype=np.uint8))
    times = []
    for _ in range(runs + 5):
        began = time.thread_time()
        detector.detect(frame)
        times.append(1e3 * (time.thread_time() - began))
    return float(np.median(times[5:]))
