"""The card of the arm finder: what it is, what it was trained on, how good it is and where it is weak."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from walkout.perception.arms import INPUT_PIXELS
from walkout.training.arm_metrics import NEAR_PIXELS, ArmScore
from walkout.training.labels import Visibility

_CARD = """\
# Arm finder

`{name}` tells where the joints of a shopper's arms are, of one upper body at a time: a second look at those whom
the [shopper detector](shopper_detector.md) has found. Made by `walkout train arms`; this card is written by the same
command.

| | |
|---|---|
| input | `pictures` uint8 [n, {size}, {size}, 3] BGR; `walkout.perception.arm_frames` cuts them out |
| output | `cells` [n, 8, {cells}, {cells}] logits: in which cell is head, neck, left and right shoulder, elbow, wrist |
| network | the detector's trunk and one more convolution, {parameters:,} parameters, fp32, {megabytes:.1f} MB |
| trained on | {history} |
| licence | Apache-2.0, as the project; the pictures show generated people and labels only |
| SHA-256 | `{checksum}` |

Training pictures as the detector's, at 640x480, cut out where the detector found shoppers, so that its mistakes are
those of the store; hidden joints are learnt too, as the probability of where they are.

## Figures

On {pictures} pictures of the `corner` store's own cameras with random crowds: {shoppers} shoppers whom the detector
finds and of whom at least a fifth is to be seen. Neither this layout nor these cameras occur in training. Pixels are
those of the 640x480 picture; *first* is what the detector says, *second* what the arm finder says.

| wrists | count | first: median | within {near:.0f} px | second: median | within {near:.0f} px |
|---|---|---|---|---|---|
{wrists}

How often wrists are where it says, by the probability that it gives to two cells to each side of that place:

| probability given | count | within {near:.0f} px |
|---|---|---|
{sure}

CPU time for one shopper, one thread: {speed:.1f} ms.

## Limits

- Simulated people only: nobody has yet measured it on real cameras.
- It sees one person: whose hand is whose in a tangle of arms it judges by what is in the middle of its picture.
- A hand farther out than the picture's border keeps the place that the detector gave it.
"""


def write_card(model: Path, notes: Mapping[str, str], score: ArmScore, speed_ms: float) -> Path:
    """Write ``<model>.md`` beside the model and return its path."""
    content = model.read_bytes()
    card = _CARD.format(
        name=model.name,
        size=INPUT_PIXELS,
        cells=INPUT_PIXELS // 4,
        parameters=int(notes["parameters"]),
        megabytes=len(content) / 1e6,
        history=notes["history"],
        checksum=hashlib.sha256(content).hexdigest(),
        pictures=score.pictures,
        shoppers=len(score.first),
        near=NEAR_PIXELS,
        wrists="\n".join(_wrist_rows(score.wrists())),
        sure="\n".join(_sure_rows(score.wrists())),
        speed=speed_ms,
    )
    path = model.with_suffix(".md")
    path.write_text(card)
    return path


def _wrist_rows(wrists: NDArray[np.float64]) -> list[str]:
    state, stretched = wrists[:, 4], wrists[:, 5] > 0.5
    seen = state == Visibility.SEEN
    kinds = {
        "seen": seen,
        "seen, outstretched arm": seen & stretched,
        "hidden": ~seen,
        "hidden, outstretched arm": ~seen & stretched,
        "all": np.ones(len(wrists), dtype=np.bool_),
    }
    rows = []
    for kind, chosen in kinds.items():
        first, second = wrists[chosen, 0], wrists[chosen, 1]
        if len(first):
            rows.append(
                f"| {kind} | {len(first)} | {np.median(first):.1f} px | {np.mean(first <= NEAR_PIXELS):.2f} "
                f"| {np.median(second):.1f} px | {np.mean(second <= NEAR_PIXELS):.2f} |"
            )
    return rows


def _sure_rows(wrists: NDArray[np.float64]) -> list[str]:
    levels = np.array([0.0, 0.2, 0.4, 0.6, 0.8, 1.001])
    rows = []
    for low, high in itertools.pairwise(levels):
        chosen = (wrists[:, 3] >= low) & (wrists[:, 3] < high)
        if chosen.any():
            near = np.mean(wrists[chosen, 1] <= NEAR_PIXELS)
            rows.append(f"| {low:.1f} to {min(high, 1.0):.1f} | {chosen.sum()} | {near:.2f} |")
    return rows
