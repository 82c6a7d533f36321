"""All steps from nothing to the detector's model file and card; each can be done alone and resumed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from walkout.perception.detector import Detector, DetectorParameters
from walkout.store.loader import load_store
from walkout.training.console import progress, show_training
from walkout.training.dataset import INPUT_SIZE, DatasetParameters, generate, store_views
from walkout.training.detector_card import model_notes, write_card
from walkout.training.detector_metrics import evaluate, milliseconds_per_frame
from walkout.training.detector_task import DetectorTask
from walkout.training.export import export_onnx
from walkout.training.shards import SampleSet, shard_numbers, write_shard
from walkout.training.trainer import Trainer, TrainingParameters

JUDGED_STORE = "corner"
JUDGED_SCENES = 80
JUDGED_SEED = 987654
"""The judging pictures: the cameras and layout of a store that training never shows, and crowds of another seed."""


@dataclass(frozen=True)
class DetectorJob:
    """What ``walkout train detector`` is to do; ``data`` holds pictures and checkpoint, ``out`` is the ONNX file.

    ``start_from`` is an exported model to go on from, instead of random weights; ``note`` is what the card is to say of
    this training beside its figures.
    """

    data: Path
    out: Path
    pictures: int
    minutes: float
    workers: int = 2
    threads: int = 2
    seed: int = 1
    start_from: Path | None = None
    note: str = ""

    @property
    def training_pictures(self) -> Path:
        """Folder of the training shards."""
        return self.data / "train"

    @property
    def judging_pictures(self) -> Path:
        """Folder of the shards that the card's figures come from."""
        return self.data / "judge"

    @property
    def trainer(self) -> Trainer[SampleSet]:
        """The trainer, as far as its checkpoint has come."""
        parameters = TrainingParameters(minutes=self.minutes, threads=self.threads, seed=self.seed)
        if self.start_from is not None:
            # What is learnt already would be lost again at the rate that random weights need.
            parameters = replace(parameters, learning_rate=parameters.learning_rate / 2)
        return Trainer(DetectorTask(), parameters, self.data / "checkpoint.pt")


def run(job: DetectorJob, steps: tuple[str, ...]) -> None:
    """Do the steps in order. Raises ValueError with one line when something given cannot work."""
    if "generate" in steps:
        _generate(job)
    if "train" in steps:
        _train(job)
    if "export" in steps:
        _export(job)
    if "evaluate" in steps:
        _evaluate(job)


def _generate(job: DetectorJob) -> None:
    parameters = DatasetParameters(pictures=job.pictures, workers=job.workers, seed=job.seed)
    with progress() as bar:
        task = bar.add_task("pictures (shards)", total=None, note="")
        generate(job.training_pictures, parameters, lambda done, total: bar.update(task, completed=done, total=total))


def _train(job: DetectorJob) -> None:
    trainer = job.trainer
    if job.start_from is not None and trainer.step == 0:
        trainer.start_from(job.start_from, SampleSet(job.training_pictures))
    show_training(trainer, lambda: SampleSet(job.training_pictures))


def _export(job: DetectorJob) -> None:
    trainer = job.trainer
    if trainer.step == 0:
        raise ValueError(f"{job.data}: no checkpoint to export; run `walkout train detector --only train` first")
    notes = {
        "history": "\n".join([*_history(job.start_from), _stage(job, trainer)]),
        "parameters": str(sum(weight.numel() for weight in trainer.network.parameters())),
    }
    export_onnx(trainer.average, job.out, *INPUT_SIZE, notes)


def _history(model: Path | None) -> list[str]:
    """Return what the weights went through before this training, a line each."""
    return [] if model is None else model_notes(model)["history"].splitlines()


def _stage(job: DetectorJob, trainer: Trainer[SampleSet]) -> str:
    pictures = len(SampleSet(job.training_pictures))
    note = f" ({job.note})" if job.note else ""
    return (
        f"{pictures:,} rendered pictures (seed {job.seed}), shown {trainer.images:,} times with augmentation "
        f"in {trainer.elapsed_s / 60:.0f} minutes on shared CPU cores{note}"
    )


def _evaluate(job: DetectorJob) -> None:
    if not shard_numbers(job.judging_pictures):
        rng = np.random.default_rng(JUDGED_SEED)
        write_shard(job.judging_pictures, 0, list(store_views(load_store(JUDGED_STORE), JUDGED_SCENES, rng)))
    detector = Detector(DetectorParameters(model_path=str(job.out), arm_looks=0))
    data = SampleSet(job.judging_pictures)
    score = evaluate(detector, (data[index] for index in range(len(data))))
    speed = milliseconds_per_frame(detector, data[0].image)
    card = write_card(job.out, score, speed)
    print(card.read_text())
