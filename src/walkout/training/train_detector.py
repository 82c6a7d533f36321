"""All steps from nothing to the detector's model file and card; each can be done alone and resumed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from walkout.perception.detector import Detector, DetectorParameters
from walkout.training.console import progress, show_training
from walkout.training.dataset import INPUT_SIZE, DatasetParameters, generate
from walkout.training.detector_card import model_notes, write_card
from walkout.training.detector_metrics import evaluate, milliseconds_per_frame
from walkout.training.detector_task import DetectorTask
from walkout.training.export import export_onnx
from walkout.training.job import TrainingJob, do_steps, judging_samples
from walkout.training.shards import SampleSet
from walkout.training.trainer import Trainer, TrainingParameters


@dataclass(frozen=True, kw_only=True)
class DetectorJob(TrainingJob):
    """What ``walkout train detector`` is to do.

    ``start_from`` is an exported model to go on from, instead of random weights; ``note`` is what the card is to say of
    this training beside its figures.
    """

    start_from: Path | None = None
    note: str = ""

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
    do_steps(job, steps, {"generate": _generate, "train": _train, "export": _export, "evaluate": _evaluate})


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
    data = judging_samples(job, INPUT_SIZE)
    detector = Detector(DetectorParameters(model_path=str(job.out), arm_looks=0))
    score = evaluate(detector, (data[index] for index in range(len(data))))
    speed = milliseconds_per_frame(detector, data[0].image)
    card = write_card(job.out, score, speed)
    print(card.read_text())
