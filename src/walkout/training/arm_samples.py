"""Training samples of the arm finder: what the detector finds in rendered pictures, cut out, with the true joints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from walkout.drivers.types import Frame
from walkout.perception.arm_frames import ARM_JOINTS, arm_squares, cut, into_squares
from walkout.perception.decode import box_iou
from walkout.perception.detector import Detector
from walkout.perception.types import Keypoint
from walkout.training.labels import Labels, Visibility
from walkout.training.shards import Sample, shard_numbers

STORED_PIXELS, STORED_SHARE = 216, 1.5
"""Cuts are stored this large, showing this much more than the network is shown: room to shift and turn."""
_SAME_IOU = 0.5
WRISTS = [ARM_JOINTS.index(Keypoint.LEFT_WRIST), ARM_JOINTS.index(Keypoint.RIGHT_WRIST)]


@dataclass(frozen=True)
class ArmSamples:
    """Upper bodies: ``images`` (n, 216, 216, 3), ``joints`` (n, 8, 3) x, y there and Visibility.

    ``outstretched`` (n, 2) is how far the left and right arm is from hanging down, 0..1.
    """

    images: NDArray[np.uint8]
    joints: NDArray[np.float32]
    outstretched: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.images)


def cut_out(detector: Detector, samples: Iterator[Sample]) -> ArmSamples:
    """Return the upper bodies of all shoppers whom the detector finds in labelled pictures and who count."""
    images: list[NDArray[np.uint8]] = []
    joints: list[NDArray[np.floating]] = []
    outstretched: list[NDArray[np.float32]] = []
    for sample in samples:
        found = detector.detect(Frame("", 0, sample.image))
        rows, people = matched(found.boxes, sample.labels)
        squares = arm_squares(found.boxes[rows], found.keypoints[rows])
        squares[:, 2] *= STORED_SHARE
        truth = sample.labels.joints[people][:, ARM_JOINTS]
        inside = into_squares(truth[:, :, :2], squares, STORED_PIXELS)
        images += [cut(sample.image, square, STORED_PIXELS) for square in squares]
        joints += list(np.concatenate([inside, truth[:, :, 2:]], axis=2))
        outstretched += list(sample.labels.outstretched()[people])
    return ArmSamples(
        np.array(images, np.uint8).reshape(-1, STORED_PIXELS, STORED_PIXELS, 3),
        np.array(joints, np.float32).reshape(-1, len(ARM_JOINTS), 3),
        np.array(outstretched, np.float32).reshape(-1, 2),
    )


def matched(boxes: NDArray[np.float32], labels: Labels) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return which found boxes (n, 4) are of which shoppers of the labels that count."""
    overlap = box_iou(boxes, labels.boxes) * labels.counted()
    rows, people = [], []
    while overlap.size and overlap.max() >= _SAME_IOU:
        row, person = np.unravel_index(int(overlap.argmax()), overlap.shape)
        rows.append(int(row))
        people.append(int(person))
        overlap[row], overlap[:, person] = 0.0, 0.0
    return np.array(rows, dtype=np.intp), np.array(people, dtype=np.intp)


def write_arm_shard(folder: Path, number: int, samples: ArmSamples) -> None:
    """Write a shard: pictures first, labels last and in one step; a shard without labels does not count."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / f"shard_{number:05d}.npy", samples.images)
    temporary = folder / f".shard_{number:05d}.npz"
    np.savez_compressed(temporary, joints=samples.joints, outstretched=samples.outstretched)
    temporary.rename(folder / f"shard_{number:05d}.npz")


class ArmSampleSet:
    """All complete shards of a folder; pictures stay on disk until they are read."""

    def __init__(self, folder: Path) -> None:
        """Open the shards. Raises ValueError when there are none."""
        numbers = shard_numbers(folder)
        if not numbers:
            raise ValueError(f"{folder}: no training pictures; run `walkout train arms --only generate` first")
        self._images = [np.load(folder / f"shard_{number:05d}.npy", mmap_mode="r") for number in numbers]
        labels = [np.load(folder / f"shard_{number:05d}.npz") for number in numbers]
        self.joints: NDArray[np.float32] = np.concatenate([shard["joints"] for shard in labels])
        self.outstretched: NDArray[np.float32] = np.concatenate([shard["outstretched"] for shard in labels])
        self._shard = np.repeat(np.arange(len(numbers)), [len(images) for images in self._images])
        self._row = np.concatenate([np.arange(len(images)) for images in self._images])

    def __len__(self) -> int:
        return len(self.joints)

    def stretched(self) -> NDArray[np.float32]:
        """Return (pictures,): how outstretched the most outstretched seen arm of each is, 0..1."""
        seen = self.joints[:, WRISTS, 2] == Visibility.SEEN
        return np.asarray((self.outstretched * seen).max(axis=1), dtype=np.float32)

    def image(self, index: int) -> NDArray[np.uint8]:
        """Return one picture (216, 216, 3)."""
        return np.asarray(self._images[self._shard[index]][self._row[index]])
