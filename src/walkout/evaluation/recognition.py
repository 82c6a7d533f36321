"""How well products are recognised on photographs: files, figures."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from walkout.errors import UserError
from walkout.perception.local_features import Image
from walkout.perception.recogniser import CatalogueImage, Recogniser, RecogniserParameters


class RecognitionFileError(UserError):
    """A table or picture cannot be used; the text names the file, the line, the field and the remedy."""


@dataclass(frozen=True)
class Row:
    """A line of a table: the product and its picture."""

    line: int
    product: str
    path: Path


@dataclass(frozen=True)
class Answer:
    """What the recogniser said of a photograph: products by falling probability, the first one's probability."""

    product: str
    ranked: tuple[str, ...]
    probability: float
    margin: float
    seconds: float

    @property
    def right(self) -> bool:
        """Whether the first is the product."""
        return self.ranked[0] == self.product


@dataclass(frozen=True)
class RecognitionFigures:
    """The figures of a set of photographs; ``ms_per_query`` is processor time of the median query."""

    photos: int
    top1: float
    top5: float
    precision_at_50: float
    precision_at_70: float
    precision_at_90: float
    ms_per_query: float


def read_rows(path: Path, what: str, split: str | None = None) -> list[Row]:
    """Read a table with the columns product and path (relative to the table). Raises RecognitionFileError.

    With ``split`` only the lines with that value in the column split.
    """
    if not path.is_file():
        raise RecognitionFileError(f"{path}: no such file; give the {what} as CSV with the columns product and path")
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise RecognitionFileError(f"{path}: is not text ({error.reason} at byte {error.start})") from error
    reader = csv.DictReader(lines)
    needed = ("product", "path") if split is None else ("product", "path", "split")
    missing = [name for name in needed if name not in (reader.fieldnames or ())]
    if missing:
        raise RecognitionFileError(f"{path}: line 1: no column {missing[0]!r}; the {what} needs {', '.join(needed)}")
    rows = []
    for record in reader:
        line = reader.line_num
        if split is not None and record["split"] != split:
            continue
        for name in ("product", "path"):
            if not (record[name] or "").strip():
                raise RecognitionFileError(f"{path}: line {line}: {name} is empty; fill it in or take the line out")
        picture = path.parent / record["path"].strip()
        if not picture.is_file():
            raise RecognitionFileError(
                f"{path}: line {line}: path: {picture} does not exist; paths are beside the table"
            )
        rows.append(Row(line, record["product"].strip(), picture))
    if not rows:
        of_split = f" of the split {split!r}" if split is not None else ""
        raise RecognitionFileError(f"{path}: names no picture{of_split}; the {what} needs at least one")
    return rows


def read_picture(path: Path) -> Image:
    """Return a picture as uint8 BGR. Raises RecognitionFileError."""
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None or min(picture.shape[:2]) < 8:
        raise RecognitionFileError(
            f"{path}: is no picture that can be read; give a JPEG or PNG of at least 8 x 8 pixels"
        )
    return np.asarray(picture, np.uint8)


def check_products(catalogue: Sequence[Row], photos: Sequence[Row], photos_file: Path) -> None:
    """Raise RecognitionFileError when a photograph shows a product that the catalogue does not have."""
    known = {row.product for row in catalogue}
    for row in photos:
        if row.product not in known:
            raise RecognitionFileError(
                f"{photos_file}: line {row.line}: product {row.product!r} is not in the catalogue; "
                "add it there or leave the photograph out"
            )


def judge(
    catalogue: Sequence[Row],
    photos: Sequence[Row],
    parameters: RecogniserParameters | None = None,
    progress: Callable[[], None] | None = None,
) -> list[Answer]:
    """Recognise every photograph with the catalogue's pictures as the only knowledge."""
    # One thread, so that processor time is time.
    cv2.setNumThreads(1)
    entries = [CatalogueImage(row.product, read_picture(row.path)) for row in catalogue]
    recogniser = Recogniser(parameters or RecogniserParameters(), entries)
    answers = []
    for row in photos:
        picture = read_picture(row.path)
        began = time.process_time()
        found = recogniser.recognise(picture)
        seconds = time.process_time() - began
        ranked = tuple(candidate.sku for candidate in found.candidates)
        answers.append(Answer(row.product, ranked, found.candidates[0].probability, found.margin, seconds))
        if progress:
            progress()
    return answers


def figures(answers: Sequence[Answer]) -> RecognitionFigures:
    """Return the figures; precision at a coverage counts the share of the answers with the widest margins."""
    right = np.array([answer.right for answer in answers])
    order = np.argsort([-answer.margin for answer in answers], kind="stable")

    def precision(coverage: float) -> float:
        return float(right[order][: max(1, round(coverage * len(answers)))].mean())

    return RecognitionFigures(
        photos=len(answers),
        top1=float(right.mean()),
        top5=float(np.mean([answer.product in answer.ranked[:5] for answer in answers])),
        precision_at_50=precision(0.5),
        precision_at_70=precision(0.7),
        precision_at_90=precision(0.9),
        ms_per_query=1e3 * float(np.median([answer.seconds for answer in answers])),
    )
