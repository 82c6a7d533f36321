"""All steps from nothing to the arm finder's model file and card; each can be done alone and resumed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from walkout.perception.arms import ArmFinder
from walkout.perception.detector import Detector, DetectorParameters
from walkout.perception.models import SHOPPER_DETECTOR, find_model
from walkout.training.arm_card import write_card
from walkout.training.arm_metrics import evaluate, milliseconds_per_shopper
from walkout.training.arm_samples import ArmSampleSet, cut_out, write_arm_shard
from walkout.training.arm_task import ArmTask
from walkout.training.console import progress, show_training
from walkout.training.dataset import DatasetParameters, ShardJob, generate, shard_samples
from walkout.training.detector_card import model_notes
from walkout.training.export import export_arms
from walkout.training.job import TrainingJob, do_steps, judging_samples
from walkout.training.trainer import Trainer, TrainingParameters

PICTURE = (640, 480)
"""Width and height of the rendered pictures."""


@dataclass(frozen=True, kw_only=True)
class ArmJob(TrainingJob):
    """What ``walkout train arms`` is to do: the present detector finds the shoppers, and its weights are the start."""

    @property
    def trainer(self) -> Trainer[ArmSampleSet]:
        """The trainer, as far as its checkpoint has come."""
        parameters = TrainingParameters(
            minutes=self.minutes, batch=32, learning_rate=1.5e-3, threads=self.threads, seed=self.seed
        )
        return Trainer(ArmTask(), parameters, self.data / "checkpoint.pt")


def run(job: ArmJob, steps: tuple[str, ...]) -> None:
    """Do the steps in order. Raises ValueError with one line when something given cannot work."""
    do_steps(job, steps, {"generate": _generate, "train": _train, "export": _export, "evaluate": _evaluate})


def _generate(job: ArmJob) -> None:
    parameters = DatasetParameters(
        pictures=job.pictures,
        shard=100,
        workers=job.workers,
        seed=job.seed,
        empty_share=0.0,
        cameras_pixels=(PICTURE,),
        size=PICTURE,
    )
    with progress() as bar:
        task = bar.add_task("pictures (shards)", total=None, note="")
        generate(
            job.training_pictures,
            parameters,
            lambda done, total: bar.update(task, completed=done, total=total),
            make_arm_shard,
        )


def make_arm_shard(job: ShardJob) -> int:
    """Write one shard of upper bodies; see ``generate``."""
    folder, number, parameters = job
    write_arm_shard(
        Path(folder), number, cut_out(Detector(DetectorParameters(arm_looks=0)), shard_samples(number, parameters))
    )
    return number


def _train(job: ArmJob) -> None:
    trainer = job.trainer
    if trainer.step == 0:
        trainer.start_from(find_model(SHOPPER_DETECTOR), ArmSampleSet(job.training_pictures))
    show_training(trainer, lambda: ArmSampleSet(job.training_pictures))


def _export(job: ArmJob) -> None:
    trainer = job.trainer
    if trainer.step == 0:
        raise ValueError(f"{job.data}: no checkpoint to export; run `walkout train arms --only train` first")
    bodies = len(ArmSampleSet(job.training_pictures))
    history = (
        f"{bodies:,} upper bodies of {job.pictures:,} rendered pictures (seed {job.seed}), shown {trainer.images:,} "
        f"times with augmentation in {trainer.elapsed_s / 60:.0f} minutes on shared CPU cores, "
        "from the detector's weights"
    )
    parameters = sum(weight.numel() for weight in trainer.network.parameters())
    export_arms(trainer.average, job.out, {"history": history, "parameters": str(parameters)})


def _evaluate(job: ArmJob) -> None:
    data = judging_samples(job, PICTURE)
    finder = ArmFinder(job.out)
    score = evaluate(Detector(DetectorParameters(arm_looks=0)), finder, [data[index] for index in range(len(data))])
    card = write_card(job.out, model_notes(job.out), score, milliseconds_per_shopper(finder, data[0].image))
    print(card.read_text())
