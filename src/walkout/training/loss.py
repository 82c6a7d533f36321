"""The detector's loss."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from walkout.perception.types import KEYPOINT_COUNT, Keypoint
from walkout.training.network import FACING_BINS

BOX_UNIT = 32.0
"""Pixels per unit of the network's raw box and joint outputs: brings them near 1."""

WRIST_FACTOR = 2.0
"""How much more a wrist counts than another joint: wrists decide who took what."""


@dataclass(frozen=True)
class LossWeights:
    """Weights of the loss's terms."""

    centre: float = 1.0
    box: float = 2.0
    joints: float = 1.5
    visible: float = 0.15
    facing: float = 0.3
    heat: float = 0.5


def detector_loss(output: tuple[Tensor, ...], targets: dict[str, Tensor], weights: LossWeights) -> dict[str, Tensor]:
    """Return the weighted terms by name; their sum is the loss.

    Centre: penalty-reduced focal loss (Zhou et al., 2019). Box and joints: absolute error by the shopper's size, in the
    cells around its centre. Heat: quality focal loss (Li et al., 2020), which keeps the sub-cell shape of the peaks.
    """
    centre, box, joints, visible, heat, facing = output
    cells = targets["person_weight"]
    people = cells.sum().clamp(min=1.0)
    by_size = (cells / targets["size"].clamp(min=24.0))[:, None]
    box_error = (box * BOX_UNIT - targets["box"]).abs().sum(1, keepdim=True) / 4
    joints = joints.unflatten(1, (KEYPOINT_COUNT, 2)) * BOX_UNIT
    importance = _joint_importance(centre)[:, None, None]
    joint_error = ((joints - targets["joints"]).abs().sum(2) * targets["joint_weight"] * importance).mean(
        1, keepdim=True
    )
    seen = F.binary_cross_entropy_with_logits(visible, targets["visible"], reduction="none")
    seen = (seen * targets["visible_weight"]).mean(1)
    turned = _facing_loss(facing, targets["facing"])
    return {
        "centre": weights.centre * _centre_loss(centre[:, 0], targets["centre"], targets["centre_weight"]),
        "box": weights.box * (box_error * by_size).sum() / people * 4,
        "joints": weights.joints * (joint_error * by_size).sum() / people * 4,
        "visible": weights.visible * (seen * cells).sum() / people,
        "facing": weights.facing * (turned * cells).sum() / people,
        "heat": weights.heat * _heat_loss(heat, targets["heat"], targets["heat_weight"] * importance),
    }


def _joint_importance(like: Tensor) -> Tensor:
    importance = torch.ones(KEYPOINT_COUNT, device=like.device)
    importance[[Keypoint.LEFT_WRIST, Keypoint.RIGHT_WRIST]] = WRIST_FACTOR
    return importance


def _facing_loss(logits: Tensor, direction: Tensor) -> Tensor:
    """Return the cross-entropy (b, h, w) of bins; ``direction`` (b, 2, h, w) is shorter the less it is known."""
    angles = torch.arange(FACING_BINS) * (2 * math.pi / FACING_BINS)
    length = direction.norm(dim=1, keepdim=True).clamp(min=1e-6)
    unit = direction / length
    agreement = angles.cos()[None, :, None, None] * unit[:, :1] + angles.sin()[None, :, None, None] * unit[:, 1:]
    wanted = torch.softmax(6.0 * agreement, dim=1)
    return -(wanted * F.log_softmax(logits, dim=1)).sum(1) * length[:, 0].clamp(max=1.0)


def _centre_loss(logit: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    probability = torch.sigmoid(logit)
    positive = (target > 0.999).float()
    found = (1 - probability) ** 2 * F.softplus(-logit) * positive
    false = probability**2 * (1 - target) ** 4 * F.softplus(logit) * (1 - positive)
    return ((found + false) * weight).sum() / positive.sum().clamp(min=1.0)


def _heat_loss(logit: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    probability = torch.sigmoid(logit)
    entropy = F.binary_cross_entropy_with_logits(logit, target, reduction="none")
    loss = (target - probability).abs() ** 2 * entropy * weight
    peaks = (target.flatten(2).amax(2) > 0.5).sum().clamp(min=1.0)
    return loss.sum() / peaks
