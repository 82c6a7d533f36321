"""Labelled pictures on disk: shards of a few hundred, written one by one an interrupted run loses one at most."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from walkout.perception.types import KEYPOINT_COUNT, Keypoint
from walkout.training.labels import Labels, Visibility

FIELDS = {"boxes": (4,), "seen_boxes": (4,), "joints": (KEYPOINT_COUNT, 3), "seen_share": (), "seen_pixels": ()}


@dataclass(frozen=True)
class Sample:
    """One picture (h, w, 3) uint8 BGR and what is true of it."""

    image: NDArray[np.uint8]
    labels: Labels


def write_shard(folder: Path, number: int, samples: list[Sample]) -> None:
    """Write a shard: pictures first, labels last and in one step; a shard without labels does not count."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / f"shard_{number:05d}.npy", np.stack([sample.image for sample in samples]))
    columns = {
        name: np.concatenate([getattr(sample.labels, name).reshape(-1, *shape) for sample in samples])
        for name, shape in FIELDS.items()
    }
    temporary = folder / f".shard_{number:05d}.npz"
    np.savez_compressed(temporary, counts=np.array([len(sample.labels) for sample in samples]), **columns)
    temporary.rename(folder / f"shard_{number:05d}.npz")


def shard_numbers(folder: Path) -> list[int]:
    """Return the numbers of the complete shards of a folder."""
    return sorted(int(path.stem.removeprefix("shard_")) for path in folder.glob("shard_*.npz"))


class SampleSet:
    """All complete shards of a folder; pictures stay on disk until they are read."""

    def __init__(self, folder: Path) -> None:
        """Open the shards. Raises ValueError when there are none."""
        self._images: list[NDArray[np.uint8]] = []
        self._labels: list[Labels] = []
        self._index: list[tuple[int, int]] = []
        for number in shard_numbers(folder):
            self._open(folder, number)
        if not self._index:
            raise ValueError(f"{folder}: no training pictures; run `walkout train detector --only generate` first")

    def _open(self, folder: Path, number: int) -> None:
        images = np.load(folder / f"shard_{number:05d}.npy", mmap_mode="r")
        with np.load(folder / f"shard_{number:05d}.npz") as data:
            ends = np.cumsum(data["counts"])
            columns = [np.split(data[name], ends[:-1]) for name in FIELDS]
        self._index += [(len(self._images), row) for row in range(len(images))]
        self._images.append(images)
        self._labels += [Labels(*fields) for fields in zip(*columns, strict=True)]

    def __len__(self) -> int:
        return len(self._index)

    def stretched(self) -> NDArray[np.float32]:
        """Return (pictures,): how outstretched the most outstretched seen arm of each is, 0..1."""
        most = np.zeros(len(self), np.float32)
        for index, labels in enumerate(self._labels):
            seen = labels.joints[:, [Keypoint.LEFT_WRIST, Keypoint.RIGHT_WRIST], 2] == Visibility.SEEN
            seen &= labels.counted()[:, None]
            most[index] = (labels.outstretched() * seen).max(initial=0.0)
        return most

    def __getitem__(self, index: int) -> Sample:
        shard, row = self._index[index]
        return Sample(np.asarray(self._images[shard][row]), self._labels[index])
