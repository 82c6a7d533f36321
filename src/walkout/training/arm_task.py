"""What the arm finder is trained to do: say how probable it is for each joint that it is in each cell of the picture.

Cross-entropy against a blurred cell, so that the network tells a probability everywhere, of hidden joints too, and not
a height of its own invention (a plane where SimCC has two lines: Li et al., "SimCC", 2022).
"""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from walkout.perception.arm_frames import ARM_JOINTS
from walkout.perception.arms import CELL_PIXELS, INPUT_PIXELS
from walkout.perception.decode import cell_centre
from walkout.perception.types import Keypoint
from walkout.training.arm_samples import STORED_PIXELS, ArmSampleSet
from walkout.training.augment import discolour
from walkout.training.labels import MIRRORED, Visibility
from walkout.training.network import ArmNetwork, NetworkParameters, ShopperNetwork
from walkout.training.trainer import Batch
from walkout.training.warm_start import load_weights

BLUR_CELLS = 1.0
"""Standard deviation of the blurred cell: what the network is to be exact to."""
_SCALES, _SHIFT, _TURN = (0.8, 1.2), 0.07, math.radians(12)
"""By how much the square may be larger, aside (as a share of its side), and turned."""
_STATE_WEIGHTS = {Visibility.OUTSIDE: 0.2, Visibility.HIDDEN: 0.6, Visibility.SEEN: 1.0}
_JOINT_WEIGHTS = np.array([0.5, 0.5, 0.7, 0.7, 1.0, 1.0, 2.0, 2.0], np.float32)
_ELBOWS_AND_WRISTS = [
    ARM_JOINTS.index(j) for j in (Keypoint.LEFT_ELBOW, Keypoint.RIGHT_ELBOW, Keypoint.LEFT_WRIST, Keypoint.RIGHT_WRIST)
]
_STRETCHED_FACTOR = 1.5
"""How much more elbow and wrist of an outstretched arm count."""


class ArmTask:
    """Find the joints of the arms of the shopper in the middle of a picture."""

    def build(self, parameters: NetworkParameters) -> ArmNetwork:
        """Return the network with random weights."""
        return ArmNetwork(parameters)

    def start(self, network: ArmNetwork, model: Path, pictures: Tensor) -> None:
        """Give the trunk of the network the weights of a detector's file."""
        detector = ShopperNetwork(network.parameters_given)
        load_weights(detector, model, pictures)
        network.trunk.load_state_dict(detector.trunk.state_dict())

    def batch(self, data: ArmSampleSet, rows: NDArray[np.intp], rng: np.random.Generator, share: float) -> Batch:
        """Return augmented pictures, where their joints are in pixels (b, 8, 2), and how much each counts (b, 8)."""
        images, places, weights = [], [], []
        for row in rows:
            image, joints = augment(data.image(int(row)), data.joints[row], rng)
            weight = _weights(joints, data.outstretched[row])
            if rng.random() < 0.5:
                image, joints, weight = _mirror(image, joints, weight)
            images.append(image)
            places.append(joints[:, :2])
            weights.append(weight)
        targets = {"place": torch.from_numpy(np.stack(places)), "weight": torch.from_numpy(np.stack(weights))}
        return torch.from_numpy(np.stack(images)), targets

    def loss(self, output: Tensor, targets: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the cross-entropy, above that of a network that is sure and right."""
        wanted = blurred_cells(targets["place"], output.shape[-1])
        told = F.log_softmax(output.flatten(2), dim=2)
        entropy = (wanted * (wanted.clamp(min=1e-12).log() - told)).sum(2)
        return {"cells": (entropy * targets["weight"]).sum() / targets["weight"].sum()}


def _weights(joints: NDArray[np.float32], outstretched: NDArray[np.float32]) -> NDArray[np.float32]:
    weight = _JOINT_WEIGHTS * np.array([_STATE_WEIGHTS[Visibility(int(state))] for state in joints[:, 2]], np.float32)
    weight[_ELBOWS_AND_WRISTS] *= 1 + (_STRETCHED_FACTOR - 1) * np.tile(outstretched, 2)
    return np.asarray(weight, dtype=np.float32)


def augment(
    image: NDArray[np.uint8], joints: NDArray[np.float32], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return a stored picture as the network's input, as if the first look, camera or lamp were another; its joints."""
    scale = INPUT_PIXELS / STORED_PIXELS * 1.5 * float(np.exp(rng.uniform(*np.log(_SCALES))))
    angle = rng.uniform(-_TURN, _TURN) if rng.random() < 0.5 else 0.0
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    turn = np.array([[cos, -sin], [sin, cos]])
    middle = np.full(2, STORED_PIXELS / 2 - 0.5)
    shift = INPUT_PIXELS * (0.5 + rng.uniform(-_SHIFT, _SHIFT, 2)) - 0.5 - turn @ middle
    matrix = np.column_stack([turn, shift])
    fill = tuple(float(v) for v in rng.integers(0, 255, 3)) if rng.random() < 0.3 else (114.0,) * 3
    warped = cv2.warpAffine(image, matrix, (INPUT_PIXELS, INPUT_PIXELS), borderValue=fill)
    moved = joints.copy()
    moved[:, :2] = joints[:, :2] @ turn.T + shift
    return discolour(np.asarray(warped, dtype=np.uint8), rng), moved


def _mirror(
    image: NDArray[np.uint8], joints: NDArray[np.float32], weight: NDArray[np.float32]
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]:
    order = MIRRORED[: len(ARM_JOINTS)]
    joints = joints[order]
    joints[:, 0] = image.shape[1] - 1 - joints[:, 0]
    return np.ascontiguousarray(image[:, ::-1]), joints, weight[order]


def blurred_cells(place: Tensor, cells: int) -> Tensor:
    """Return the wanted probabilities (b, 8, cells * cells) of joints at pixels (b, 8, 2).

    A joint beyond the picture belongs to the nearest cell of its border: nobody believes what is found there.
    """
    centres = torch.from_numpy(cell_centre(np.arange(cells), CELL_PIXELS))
    inside = place.clamp(float(centres[0]), float(centres[-1]))
    along = torch.exp(-(((inside[..., None] - centres) / CELL_PIXELS) ** 2) / (2 * BLUR_CELLS**2))
    along = along / along.sum(-1, keepdim=True)
    return (along[:, :, 1, :, None] * along[:, :, 0, None, :]).flatten(2)
