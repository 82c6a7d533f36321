"""The detector's network: a plain ReLU residual network in the way of CenterNet.

Zhou, Wang, Krähenbühl, "Objects as Points", 2019, for centre, box and joints; Lee et al., "CenterPose", 2022, for
joining regressed joints with joint heat-maps. Plain 3x3 convolutions and ReLU are the fastest operators of a CPU
without int8 instructions, so there is nothing else in it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from walkout.perception.arm_frames import ARM_JOINTS
from walkout.perception.types import KEYPOINT_COUNT

FACING_BINS = 8

PRIOR = 0.01
"""Probability that a cell is a centre or a joint before anything is learnt: keeps the first steps calm."""


@dataclass(frozen=True)
class NetworkParameters:
    """Sizes of the network: ``width`` channels at stride 2, ``fine`` channels of the joint heat-maps at stride 4."""

    width: int = 16
    fine: int = 24

    def __post_init__(self) -> None:
        if self.width < 8 or self.fine < 8:
            raise ValueError(f"network width {self.width} and fine {self.fine} must be at least 8")


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


class Residual(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.first = _conv(inputs, outputs, stride)
        self.second = nn.Sequential(nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs))
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Map (b, inputs, h, w) to (b, outputs, h / stride, w / stride)."""
        return F.relu(self.second(self.first(x)) + self.shortcut(x))


class Trunk(nn.Module):
    """Image (b, 3, h, w) to features of stride 8 (b, 3 width, h/8, w/8) and of stride 4 (b, fine, h/4, w/4)."""

    def __init__(self, parameters: NetworkParameters) -> None:
        super().__init__()
        w, fine = parameters.width, parameters.fine
        quarter, eighth, sixteenth, last = 3 * w // 2, 3 * w, 5 * w, 6 * w
        self.stem = _conv(3, w, 2)
        self.stage4 = Residual(w, quarter, 2)
        self.stage8 = nn.Sequential(Residual(quarter, eighth, 2), Residual(eighth, eighth))
        self.stage16 = nn.Sequential(Residual(eighth, sixteenth, 2), Residual(sixteenth, sixteenth))
        self.stage32 = Residual(sixteenth, last, 2)
        self.lateral32 = nn.Conv2d(last, sixteenth, 1)
        self.lateral16 = nn.Conv2d(sixteenth, eighth, 1)
        self.fuse8 = _conv(eighth, eighth)
        self.lateral8 = nn.Conv2d(eighth, fine, 1)
        self.lateral4 = nn.Conv2d(quarter, fine, 1)
        self.fuse4 = _conv(fine, fine)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the features of stride 8 and of stride 4."""
        c4 = self.stage4(self.stem(x))
        c8 = self.stage8(c4)
        c16 = self.stage16(c8)
        p16 = F.relu(c16 + _enlarge(self.lateral32(self.stage32(c16)), c16))
        p8 = self.fuse8(F.relu(c8 + _enlarge(self.lateral16(p16), c8)))
        return p8, self.fuse4(F.relu(self.lateral4(c4) + _enlarge(self.lateral8(p8), c4)))


class ShopperNetwork(nn.Module):
    """Image (b, 3, h, w) to raw outputs, see ``forward``: shoppers on a grid of stride 8, joint heat-maps at stride 4.

    Shoppers are large, so the coarse grid separates them and leaves the expensive fine grid to the joints, where every
    pixel of a wrist counts.
    """

    def __init__(self, parameters: NetworkParameters) -> None:
        super().__init__()
        eighth, fine = 3 * parameters.width, parameters.fine
        self.trunk = Trunk(parameters)
        self.person = _conv(eighth, eighth)
        self.centre = nn.Conv2d(eighth, 1, 1)
        self.box = nn.Conv2d(eighth, 4, 1)
        self.joints = nn.Conv2d(eighth, 2 * KEYPOINT_COUNT, 1)
        self.visible = nn.Conv2d(eighth, KEYPOINT_COUNT, 1)
        self.heat = nn.Conv2d(fine, KEYPOINT_COUNT, 1)
        self.facing = nn.Conv2d(eighth, FACING_BINS, 1)
        initialise(self)
        for out in (self.centre, self.heat, self.box, self.joints, self.visible, self.facing):
            nn.init.normal_(out.weight, std=0.01)
        for out in (self.centre, self.heat):
            nn.init.constant_(out.bias, math.log(PRIOR / (1 - PRIOR)))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return centre (b, 1, h/8, w/8), box (b, 4, ·), joints (b, 24, ·), visible (b, 12, ·), heat (b, 12, h/4, w/4).

        Centre, visible and heat are logits. Box is the distance from the cell's centre to the left, top, right and
        bottom side, joints the offset x, y of each joint, all in units of BOX_UNIT pixels. Last comes facing
        (b, FACING_BINS, ·), logits of the direction in the picture from a shopper's right side to its left: nobody uses
        it, it is there to be learnt: telling left from right is the hardest part of the joints.
        """
        p8, fine = self.trunk(x)
        person = self.person(p8)
        heads = (self.centre(person), self.box(person), self.joints(person), self.visible(person), self.heat(fine))
        return (*heads, self.facing(person))


class ArmNetwork(nn.Module):
    """Picture of an upper body (b, 3, s, s) to logits (b, 8, s/4, s/4): in which cell is each of its arms' joints?

    The detector's trunk, so that its weights are a start, and one more convolution.
    """

    def __init__(self, parameters: NetworkParameters) -> None:
        super().__init__()
        self.parameters_given = parameters
        self.trunk = Trunk(parameters)
        self.arms = _conv(parameters.fine, parameters.fine)
        self.cells = nn.Conv2d(parameters.fine, len(ARM_JOINTS), 1)
        initialise(self)
        nn.init.normal_(self.cells.weight, std=0.01)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        return self.cells(self.arms(self.trunk(x)[1]))  # type: ignore[no-any-return]


def initialise(network: nn.Module) -> None:
    """Give random weights to all convolutions of a network."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        if isinstance(module, Residual):
            # nearly an identity at first: a short warm-up is enough
            nn.init.constant_(module.second[1].weight, 0.25)


def _enlarge(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, size=like.shape[-2:], mode="nearest")
