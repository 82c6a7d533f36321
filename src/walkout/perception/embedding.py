"""Pictures of products as vectors: what looks alike lies close together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from walkout.perception.models import PRODUCT_EMBEDDING, ModelError, find_model, open_session

Image = NDArray[np.uint8]
FloatArray = NDArray[np.float32]

REMEDY = "walkout train embedding"
FORMAT_KEY, FORMAT = "walkout.format", "product-embedding-1"
"""Metadata entry of the ONNX file: says that it takes RGB pictures (n, 224, 224, 3) and gives unit vectors (n, d)."""

INPUT_SIZE = 224
_PADDING = 255


class Embedder:
    """Turns pictures into unit vectors. Keeps nothing between calls."""

    def __init__(self, path: Path | None = None, threads: int = 1) -> None:
        """Open and check the model, the project's own when no path is given. Raises ModelError."""
        path = path or find_model(PRODUCT_EMBEDDING)
        self._session = open_session(path, REMEDY, threads)
        found = self._session.get_modelmeta().custom_metadata_map.get(FORMAT_KEY)
        if found != FORMAT:
            raise ModelError(f"{path}: metadata {FORMAT_KEY} is {found!r}, expected {FORMAT!r}; run `{REMEDY}`")
        self._input = self._session.get_inputs()[0].name

    def embed(self, pictures: Sequence[Image]) -> FloatArray:
        """Return (n, d) unit vectors of uint8 BGR pictures of any size."""
        batch = np.stack([_fit(picture) for picture in pictures])
        return np.asarray(self._session.run(None, {self._input: batch})[0], np.float32)


def _fit(picture: Image) -> Image:
    """Return the picture as a square of RGB, padded with white, (224, 224, 3)."""
    height, width = picture.shape[:2]
    scale = INPUT_SIZE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    canvas = np.full((INPUT_SIZE, INPUT_SIZE, 3), _PADDING, np.uint8)
    top, left = (INPUT_SIZE - size[1]) // 2, (INPUT_SIZE - size[0]) // 2
    canvas[top : top + size[1], left : left + size[0]] = small
    return np.ascontiguousarray(canvas[:, :, ::-1])
