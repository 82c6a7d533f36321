"""What a real camera adds to a perfect picture: soft optics, vignetting, noise."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class SensorParameters:
    """``blur_px`` is the lens's blur (sd), ``noise`` the sd of the noise in grey levels, ``vignette`` the light lost in
    the corners 0..1, ``gain`` the exposure error and ``cast`` the white balance error of blue, green and red.
    """  # noqa: D205

    blur_px: float = 0.55
    noise: float = 2.5
    vignette: float = 0.12
    gain: float = 1.0
    cast: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        if self.blur_px < 0 or self.noise < 0 or not 0 <= self.vignette < 1 or min(self.gain, *self.cast) <= 0:
            raise ValueError("a sensor needs blur_px >= 0, noise >= 0, 0 <= vignette < 1 and positive gain and cast")


def sample_sensor(rng: np.random.Generator) -> SensorParameters:
    """Return a random cheap camera."""
    blue, green, red = rng.normal(1.0, 0.03, 3).clip(0.9, 1.1).tolist()
    return SensorParameters(
        blur_px=float(rng.uniform(0.0, 1.0)),
        noise=float(rng.uniform(0.5, 6.0)),
        vignette=float(rng.uniform(0.0, 0.3)),
        gain=float(np.clip(rng.normal(1.0, 0.08), 0.8, 1.2)),
        cast=(blue, green, red),
    )


class SensorModel:
    """Applies one camera's imperfections; the same seed and the same sequence of calls give the same pictures."""

    def __init__(self, parameters: SensorParameters, seed: int) -> None:
        self.parameters = parameters
        self._rng = np.random.default_rng(seed)
        self._gains: dict[tuple[int, int], NDArray[np.float32]] = {}
        # Noise is cut from one large field at a random place: drawing it anew costs more than rendering.
        field = self._rng.normal(0.0, max(parameters.noise, 1e-6), (1200, 1500, 3))
        self._noise = np.round(field).astype(np.int16)

    def apply(self, image: Image) -> Image:
        """Return a picture (h, w, 3) BGR as this camera would deliver it."""
        height, width = image.shape[:2]
        shown = image
        if self.parameters.blur_px > 0.05:
            shown = np.asarray(cv2.GaussianBlur(shown, (0, 0), self.parameters.blur_px), dtype=np.uint8)
        shown = np.asarray(cv2.multiply(shown, self._gain(height, width), dtype=cv2.CV_8U), dtype=np.uint8)
        if self.parameters.noise > 0:
            shown = np.asarray(cv2.add(shown, self._noise_cut(height, width), dtype=cv2.CV_8U), dtype=np.uint8)
        return shown

    def _gain(self, height: int, width: int) -> NDArray[np.float32]:
        gain = self._gains.get((height, width))
        if gain is None:
            y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
            light = self.parameters.gain * (1 - self.parameters.vignette * (x * x + y * y) / 2)
            gain = self._gains[height, width] = (light[..., None] * self.parameters.cast).astype(np.float32)
        return gain

    def _noise_cut(self, height: int, width: int) -> NDArray[np.int16]:
        rows, columns = self._noise.shape[:2]
        top, left = (int(self._rng.integers(max(size, 1))) for size in (rows - height + 1, columns - width + 1))
        cut = self._noise[top : top + height, left : left + width]
        if cut.shape[:2] != (height, width):
            tiled = np.tile(self._noise, (-(-height // rows), -(-width // columns), 1))
            cut = tiled[:height, :width]
        return cut
