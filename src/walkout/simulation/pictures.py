"""What a scenario's cameras and lamps do to the rendered pictures: noise, soft optics, flicker."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from walkout.simulation.load_cells import stream
from walkout.simulation.scenario_model import CameraOptions
from walkout.simulation.sensor import SensorModel, SensorParameters

READOUT_S = 0.02
"""How long a rolling shutter takes from the first row to the last."""


class CameraEffects:
    """Applies a scenario's camera options; the same seed and the same order of pictures give the same ones."""

    def __init__(self, options: CameraOptions, seed: int) -> None:
        """Keep the options; every camera draws its noise from a stream of its own."""
        self._options = options
        self._seed = seed
        self._sensors: dict[str, SensorModel] = {}

    def apply(self, camera_id: str, stamp_ns: int, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a picture (h, w, 3) BGR, taken at a time, as the camera delivers it."""
        options = self._options
        if options.perfect:
            return image
        shown = image
        if options.flicker_depth:
            gains = flicker(options, stamp_ns, len(image))[:, None, None]
            shown = np.round(image * gains).astype(np.uint8)
        return self._sensor(camera_id).apply(shown)

    def _sensor(self, camera_id: str) -> SensorModel:
        if camera_id not in self._sensors:
            seed = int(stream(self._seed, "sensor", camera_id).integers(2**31))
            options = self._options
            parameters = SensorParameters(options.blur_px, options.noise, options.vignette)
            self._sensors[camera_id] = SensorModel(parameters, seed)
        return self._sensors[camera_id]


def flicker(options: CameraOptions, stamp_ns: int, rows: int) -> NDArray[np.float32]:
    """Return what is left of the light in every row (rows,) of a picture read out from ``stamp_ns`` on."""
    times_s = stamp_ns * 1e-9 + np.linspace(0.0, READOUT_S, rows, endpoint=False)
    wave = 0.5 - 0.5 * np.cos(2.0 * np.pi * options.flicker_hz * times_s)
    return (1.0 - options.flicker_depth * wave).astype(np.float32)
