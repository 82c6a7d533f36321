"""Training that goes on from an exported model: the way back from its ONNX file to the network.

The export folds every batch normalisation into the convolution before it. Going back, the folded weights become the
convolution's, and the normalisation gets the statistics that its input has on real pictures, with a scale and shift
that undo them: at first the network puts out what the file does, and every part of it can be trained again.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from walkout.training.network import ShopperNetwork

_EPSILON = 1e-5


def load_weights(network: ShopperNetwork, path: Path, pictures: Tensor) -> None:
    """Give a network the weights of an exported file of the same sizes.

    Args:
        network: changed in place; outputs that the file lacks keep their weights.
        path: ONNX file written by ``export_onnx``.
        pictures: (b, 3, h, w) normalised training pictures, for the statistics of the normalisations.

    Raises:
        ValueError: the file is of a network of other sizes; the text names file and layer.
    """
    folded = _folded_weights(path)
    order = _execution_order(network, pictures[:1])
    exported = [(convolution, norm) for convolution, norm in order if convolution is not network.facing]
    if len(folded) != len(exported):
        raise ValueError(f"{path}: has {len(folded)} convolutions, this network {len(exported)}; train from scratch")
    for number, ((weight, bias), (convolution, norm)) in enumerate(zip(folded, exported, strict=True)):
        if tuple(weight.shape) != tuple(convolution.weight.shape):
            raise ValueError(
                f"{path}: convolution {number} is {tuple(weight.shape)}, this network's "
                f"{tuple(convolution.weight.shape)}; give the same sizes or train from scratch"
            )
        with torch.no_grad():
            convolution.weight.copy_(weight)
            (convolution if norm is None else norm).bias.copy_(bias)
    _restore_statistics(network, exported, pictures)


def _folded_weights(path: Path) -> list[tuple[Tensor, Tensor]]:
    graph = onnx.load(str(path)).graph
    values = {entry.name: numpy_helper.to_array(entry) for entry in graph.initializer}
    for node in graph.node:
        if node.op_type == "Identity" and node.input[0] in values:  # the exporter writes equal weights only once
            values[node.output[0]] = values[node.input[0]]
    return [
        (torch.from_numpy(np.array(values[node.input[1]])), torch.from_numpy(np.array(values[node.input[2]])))
        for node in graph.node
        if node.op_type == "Conv"
    ]


def _execution_order(network: ShopperNetwork, picture: Tensor) -> list[tuple[nn.Conv2d, nn.BatchNorm2d | None]]:
    """Return the convolutions as the export lists them, each with the normalisation that directly follows it."""
    calls: list[nn.Module] = []
    hooks = [
        module.register_forward_hook(lambda module, inputs, output: calls.append(module))
        for module in network.modules()
        if isinstance(module, (nn.Conv2d, nn.BatchNorm2d))
    ]
    network.eval()
    with torch.no_grad():
        network(picture)
    for hook in hooks:
        hook.remove()
    followers = [*calls[1:], None]
    return [
        (module, follower if isinstance(follower, nn.BatchNorm2d) else None)
        for module, follower in zip(calls, followers, strict=True)
        if isinstance(module, nn.Conv2d)
    ]


def _restore_statistics(
    network: ShopperNetwork, pairs: list[tuple[nn.Conv2d, nn.BatchNorm2d | None]], pictures: Tensor
) -> None:
    """Set every normalisation, first to last, to the statistics of its input, and let it put out input + bias."""

    def observe(norm: nn.BatchNorm2d, inputs: tuple[Tensor, ...]) -> None:
        value = inputs[0]
        mean, variance = value.mean((0, 2, 3)), value.var((0, 2, 3), unbiased=False)
        norm.running_mean.copy_(mean)  # type: ignore[union-attr]
        norm.running_var.copy_(variance)  # type: ignore[union-attr]
        norm.weight.copy_((variance + _EPSILON).sqrt())
        norm.bias.add_(mean)

    hooks = [norm.register_forward_pre_hook(observe) for _, norm in pairs if norm is not None]
    network.eval()
    with torch.no_grad():
        network(pictures)
    for hook in hooks:
        hook.remove()
