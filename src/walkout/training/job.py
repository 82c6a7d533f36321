"""What all trainings have in common: where they work, their steps, and the pictures that they are judged on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from walkout.store.loader import load_store
from walkout.training.dataset import store_views
from walkout.training.shards import SampleSet, shard_numbers, write_shard

JUDGED_STORE = "corner"
JUDGED_SCENES = 80
JUDGED_SEED = 987654
"""The judging pictures: the cameras and layout of a store that training never shows, and crowds of another seed."""


@dataclass(frozen=True, kw_only=True)
class TrainingJob:
    """What a training is to do; ``data`` holds pictures and checkpoint, ``out`` is the ONNX file."""

    data: Path
    out: Path
    pictures: int
    minutes: float
    workers: int = 2
    threads: int = 2
    seed: int = 1

    @property
    def training_pictures(self) -> Path:
        """Folder of the training shards."""
        return self.data / "train"

    @property
    def judging_pictures(self) -> Path:
        """Folder of the shards that the card's figures come from."""
        return self.data / "judge"


Job = TypeVar("Job", bound=TrainingJob)


def do_steps(job: Job, wanted: Sequence[str], steps: Mapping[str, Callable[[Job], None]]) -> None:
    """Do the wanted ones of the steps, in their order."""
    for name, step in steps.items():
        if name in wanted:
            step(job)


def judging_samples(job: TrainingJob, size: tuple[int, int]) -> SampleSet:
    """Return the pictures that a network is judged on, at ``size`` (width, height); they are made when missing."""
    if not shard_numbers(job.judging_pictures):
        views = store_views(load_store(JUDGED_STORE), JUDGED_SCENES, np.random.default_rng(JUDGED_SEED), size)
        write_shard(job.judging_pictures, 0, list(views))
    return SampleSet(job.judging_pictures)
