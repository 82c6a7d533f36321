"""Writes ``tests/data/blob_detector.onnx``, a deterministic stand-in for the detector's network.

Needs the onnx package: ``python tests/unit/perception/make_blob_detector.py``. The centre map is the mean of the red
channel over each 8x8 cell, boxes reach 10, 20, 30, 40 pixels to the left, top, right and bottom of the cell's centre,
joints lie in it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HEIGHT, WIDTH, JOINTS = 240, 320, 12
PATH = Path(__file__).resolve().parents[2] / "data" / "blob_detector.onnx"


def constant(name: str, values: np.ndarray) -> onnx.TensorProto:
    return numpy_helper.from_array(values, name)


def main() -> None:
    red_mean = np.zeros((1, 3, 8, 8), np.float32)
    red_mean[0, 2] = 1 / (64 * 255)
    coarse, fine = (HEIGHT // 8, WIDTH // 8), (HEIGHT // 4, WIDTH // 4)
    sides = np.array([10, 20, 30, 40], np.float32).reshape(1, 4, 1, 1)
    initializers = [
        constant("red_mean", red_mean),
        constant("zero", np.zeros(1, np.float32)),
        constant("sides", sides),
        constant("coarse4", np.array([1, 4, *coarse], np.int64)),
        constant("coarse12", np.array([1, JOINTS, *coarse], np.int64)),
        constant("coarse24", np.array([1, 2 * JOINTS, *coarse], np.int64)),
        constant("fine12", np.array([1, JOINTS, *fine], np.int64)),
    ]
    nodes = [
        helper.make_node("Cast", ["image"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["numbers"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["planes", "red_mean"], ["centre"], strides=[8, 8]),
        helper.make_node("Expand", ["sides", "coarse4"], ["box"]),
        helper.make_node("Expand", ["zero", "coarse24"], ["joints"]),
        helper.make_node("Expand", ["zero", "coarse12"], ["visible"]),
        helper.make_node("Expand", ["zero", "fine12"], ["heat"]),
    ]
    shapes = {
        "centre": [1, 1, *coarse],
        "box": [1, 4, *coarse],
        "joints": [1, 2 * JOINTS, *coarse],
        "visible": [1, JOINTS, *coarse],
        "heat": [1, JOINTS, *fine],
    }
    graph = helper.make_graph(
        nodes,
        "blob_detector",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, HEIGHT, WIDTH, 3])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()],
        initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {"walkout.format": "shopper-detector-1"})
    onnx.checker.check_model(model)
    PATH.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(PATH))


if __name__ == "__main__":
    main()
