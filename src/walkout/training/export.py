"""From the trained network to the ONNX file that the detector opens."""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

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
    """Write the network as ONNX; ``notes`` become metadata entries ``walkout.<key>``."""
    module = _Deployed(network).eval()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    example = torch.zeros(1, height, width, 3, dtype=torch.uint8)
    with torch.no_grad():
        torch.onnx.export(
            module,
            (example,),
            str(temporary),
            input_names=["image"],
            output_names=list(OUTPUT_NAMES),
            opset_version=17,
            dynamo=False,
        )
    model = onnx.load(str(temporary))
    entries = {FORMAT_KEY: FORMAT, **{f"walkout.{key}": value for key, value in notes.items()}}
    onnx.helper.set_model_props(model, entries)
    onnx.save(model, str(temporary))
    temporary.replace(path)
