"""From trained networks to the ONNX files that perception opens."""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from walkout.perception import arms
from walkout.perception.arms import INPUT_PIXELS
from walkout.perception.detector import FORMAT, FORMAT_KEY, OUTPUT_NAMES
from walkout.training.loss import BOX_UNIT
from walkout.training.network import ShopperNetwork

PIXEL_MEAN, PIXEL_SCALE = 114.0, 1 / 58.0


def normalise(images: Tensor) -> Tensor:
    """Return (b, 3, h, w) network input of (b, h, w, 3) uint8 BGR pictures."""
    return (images.permute(0, 3, 1, 2).float() - PIXEL_MEAN) * PIXEL_SCALE


class _Deployed(nn.Module):
    """Pictures in, probabilities and pixels out."""

    def __init__(self, network: ShopperNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return the maps of NetworkOutput with a leading batch axis."""
        centre, box, joints, visible, heat, _ = self.network(normalise(images))
        return torch.sigmoid(centre), box * BOX_UNIT, joints * BOX_UNIT, torch.sigmoid(visible), torch.sigmoid(heat)


def export_onnx(network: ShopperNetwork, path: Path, width: int, height: int, notes: dict[str, str]) -> None:
    """Write the detector as ONNX; ``notes`` become metadata entries ``walkout.<key>``."""
    example = torch.zeros(1, height, width, 3, dtype=torch.uint8)
    _write(_Deployed(network), example, path, list(OUTPUT_NAMES), {}, {FORMAT_KEY: FORMAT, **_prefixed(notes)})


class _DeployedArms(nn.Module):
    """Pictures in, logits out: only the numbers around the likeliest cell need to become probabilities."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits (n, 8, CELLS, CELLS)."""
        return self.network(normalise(images))  # type: ignore[no-any-return]


def export_arms(network: nn.Module, path: Path, notes: dict[str, str]) -> None:
    """Write the arm finder as ONNX, for any number of pictures at once."""
    example = torch.zeros(2, INPUT_PIXELS, INPUT_PIXELS, 3, dtype=torch.uint8)
    axes = {"pictures": {0: "shoppers"}, "cells": {0: "shoppers"}}
    entries = {arms.FORMAT_KEY: arms.FORMAT, **_prefixed(notes)}
    _write(_DeployedArms(network), example, path, ["cells"], axes, entries)


def _prefixed(notes: dict[str, str]) -> dict[str, str]:
    return {f"walkout.{key}": value for key, value in notes.items()}


def _write(
    module: nn.Module,
    example: Tensor,
    path: Path,
    outputs: list[str],
    axes: dict[str, dict[int, str]],
    entries: dict[str, str],
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    with torch.no_grad():
        torch.onnx.export(
            module.eval(),
            (example,),
            str(temporary),
            input_names=["pictures" if axes else "image"],
            output_names=outputs,
            dynamic_axes=axes,
            opset_version=17,
            dynamo=False,
        )
    model = onnx.load(str(temporary))
    onnx.helper.set_model_props(model, entries)
    onnx.save(model, str(temporary))
    temporary.replace(path)
