"""What a training shows in the terminal."""

from __future__ import annotations

from collections.abc import Callable

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from walkout.training.trainer import Data, Trainer
from walkout.training.trainer import Progress as TrainingProgress


def progress() -> Progress:
    """Return a progress bar with a field ``note``."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
    )


def show_training(trainer: Trainer[Data], samples: Callable[[], Data]) -> None:
    """Train until the minutes are used, with a progress bar."""
    with progress() as bar:
        task = bar.add_task("training (permille)", total=1000, note="")

        def report(now: TrainingProgress) -> None:
            terms = " ".join(f"{name} {value:.3f}" for name, value in now.loss.items())
            note = f"{now.images} pictures, {now.images_per_s:.0f}/s, rate {now.learning_rate:.1e}, {terms}"
            bar.update(task, completed=round(1000 * now.share), note=note)

        trainer.run(samples, report)
