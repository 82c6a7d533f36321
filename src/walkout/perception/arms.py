"""A second look at single shoppers: where are the joints of their arms, and how probably?

The detector sees whole pictures at half their size; a wrist is a few pixels wide there, and in a shelf it is mostly
guessed. This network sees one upper body at a time, about as large as the camera gives it, and tells for every joint a
probability of each cell of a grid. A joint's place is the mean of the likeliest cell and its neighbours, its confidence
the probability of all of them: how often it is there.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from walkout.perception.arm_frames import ARM_JOINTS, arm_squares, cut, out_of_squares
from walkout.perception.models import ModelError, open_session
from walkout.perception.types import Keypoint

FloatArray = NDArray[np.floating]

REMEDY = "walkout train arms"
FORMAT_KEY, FORMAT = "walkout.format", "arm-finder-1"
INPUT_PIXELS, CELL_PIXELS = 144, 4
CELLS = INPUT_PIXELS // CELL_PIXELS
_REACH = 2
"""Cells to each side of the likeliest one that belong to the same place."""
_CONTESTED = (
    [ARM_JOINTS.index(Keypoint.LEFT_ELBOW), ARM_JOINTS.index(Keypoint.RIGHT_ELBOW)],
    [ARM_JOINTS.index(Keypoint.LEFT_WRIST), ARM_JOINTS.index(Keypoint.RIGHT_WRIST)],
)
_SAME_PLACE = 0.05
"""Joints of two shoppers nearer than this, as a share of their squares' side, are one joint that both claim."""
_FAR_OFF = 0.2
"""Equally probable, a joint is more likely theirs from whose middle it is less far: confidence per side."""
_CLEAR = 0.06
"""How fast the stronger of two such claims wins: equal ones are worth half each. Of 26 on the judging pictures of an
early network both were right in 12; of the 13 of which one was, always the surer one.
"""
_BEATEN = 0.3
"""What is left of a claim at least: often both joints are there."""


class ArmFinder:
    """Finds the arms of shoppers that are found already."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        """Open and check the model. Raises ModelError with the file and the remedy."""
        self._session = open_session(path, REMEDY, threads)
        _check(self._session, path)
        self._input_name = self._session.get_inputs()[0].name

    def find(self, image: NDArray[np.uint8], boxes: FloatArray, keypoints: FloatArray) -> FloatArray:
        """Return the joints ARM_JOINTS (n, 8, 3) of shoppers: x, y in pixels of the picture and confidence 0..1.

        Args:
            image: (h, w, 3) BGR.
            boxes: (n, 4), at least one.
            keypoints: (n, 12, 3) of the first look.
        """
        squares = arm_squares(boxes, keypoints)
        pictures = np.stack([cut(image, square, INPUT_PIXELS) for square in squares])
        (logits,) = self._session.run(None, {self._input_name: pictures})
        inside, confidence = decode_cells(logits)
        places = out_of_squares(inside, squares, INPUT_PIXELS)
        confidence = confidence * _whose(places, confidence, squares)
        return np.concatenate([places, confidence[..., None]], axis=2)


def decode_cells(logits: NDArray[np.float32]) -> tuple[FloatArray, FloatArray]:
    """Return places (n, 8, 2) in pixels of the network's input, and their probabilities (n, 8).

    A joint whose likeliest cell is at the border of the picture may be anywhere beyond it: its probability is 0.
    """
    count, joints, rows, columns = logits.shape
    flat = logits.reshape(count * joints, -1)
    best = flat.argmax(axis=1)
    weight = np.exp(flat - flat[np.arange(len(flat)), best, None])
    padded = np.pad(weight.reshape(-1, rows, columns), ((0, 0), (_REACH, _REACH), (_REACH, _REACH)))
    row, column = np.divmod(best, columns)
    near = np.arange(2 * _REACH + 1)
    around = padded[
        np.arange(len(flat))[:, None, None], (row[:, None] + near)[:, :, None], (column[:, None] + near)[:, None]
    ]
    mass = around.sum(axis=(1, 2))
    offset = near - _REACH
    y = row + (around.sum(axis=2) @ offset) / mass
    x = column + (around.sum(axis=1) @ offset) / mass
    inside = (row > 0) & (row < rows - 1) & (column > 0) & (column < columns - 1)
    places = (np.stack([x, y], axis=1) + 0.5) * CELL_PIXELS - 0.5
    confidence = np.where(inside, mass / weight.sum(axis=1), 0.0)
    return places.reshape(count, joints, 2), confidence.reshape(count, joints)


def _whose(places: FloatArray, confidence: FloatArray, squares: FloatArray) -> FloatArray:
    """Return the worth (n, 8) of every joint: small where another shopper claims the same place with better reason.

    Each shopper is looked at alone, so of two who hold together the hidden one may be given the other's arm.
    """
    worth = np.ones(confidence.shape)
    if len(places) < 2:
        return worth
    reason = confidence - _FAR_OFF * np.linalg.norm(places - squares[:, None, :2], axis=2) / squares[:, None, 2]
    shopper = np.repeat(np.arange(len(places)), 2)
    near = _SAME_PLACE * np.minimum(squares[shopper, None, 2], squares[shopper, 2])
    for pair in _CONTESTED:
        claims = places[:, pair].reshape(-1, 2)
        contested = np.linalg.norm(claims[:, None] - claims, axis=2) < near
        contested &= shopper[:, None] != shopper
        mine = reason[:, pair].ravel()
        best = np.where(contested, mine, -np.inf).max(axis=1)
        ahead = np.minimum((mine - best) / _CLEAR, 50.0)
        worth[:, pair] = np.maximum(1 / (1 + np.exp(-ahead)), _BEATEN).reshape(-1, 2)
    return worth


def _check(session: onnxruntime.InferenceSession, path: Path) -> None:
    """Raise ModelError when the model is another one."""
    told = session.get_modelmeta().custom_metadata_map.get(FORMAT_KEY)
    entry, output = session.get_inputs()[0], session.get_outputs()[0]
    wanted = [INPUT_PIXELS, INPUT_PIXELS, 3], [len(ARM_JOINTS), CELLS, CELLS]
    if told != FORMAT or entry.type != "tensor(uint8)" or (entry.shape[1:], output.shape[1:]) != wanted:
        raise ModelError(f"{path}: it is not an arm finder of this version, run `{REMEDY}` to make one")
