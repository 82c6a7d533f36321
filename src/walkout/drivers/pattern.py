"""A test pattern in place of a camera: to try an installation, and to measure what transport costs."""

from __future__ import annotations

import time

import numpy as np

from walkout.drivers.types import Frame
from walkout.store.model import Camera

_STEPS = 8


class PatternCamera:
    """Gives coloured bars that move, at the camera's size and rate, stamped with the system's time."""

    def __init__(self, camera: Camera) -> None:
        """Prepare the pictures."""
        self._camera_id = camera.camera_id
        self._period_s = 1.0 / camera.rate_hz
        bars = np.arange(camera.width) * _STEPS // camera.width
        colours = np.array([(40 * k % 256, 90 * k % 256, 255 - 30 * k) for k in range(_STEPS)], np.uint8)
        rows = [colours[(bars + step) % _STEPS] for step in range(_STEPS)]
        self._pictures = [np.tile(row, (camera.height, 1, 1)) for row in rows]
        self._count = 0
        self._due_s = time.monotonic()

    def read(self, timeout_s: float) -> Frame | None:
        """Return the next picture when it is due, or None after the timeout."""
        wait_s = self._due_s - time.monotonic()
        time.sleep(max(0.0, min(wait_s, timeout_s)))
        if wait_s > timeout_s:
            return None
        # A reader that was late goes on from now: a camera does not give the pictures it has missed.
        self._due_s = max(self._due_s, time.monotonic() - self._period_s) + self._period_s
        return self.take()

    def take(self) -> Frame:
        """Return a picture of now."""
        self._count += 1
        return Frame(self._camera_id, time.time_ns(), self._pictures[self._count % _STEPS])

    def close(self) -> None:
        """Nothing to release."""
