"""Cells that show their last value for ever: dead electronics look like a perfectly quiet plate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

# Equal neighbours are that improbable by chance before a plate is called stuck.
_CHANCE = 1e-6
# The share of equal neighbours differs from level to level where the resolution is coarse: it may double.
_SPREAD, _LEAST, _MOST = 2.0, 0.02, 0.98
_MEMORY_SAMPLES = 2000.0


class Liveness:
    """Learns how often each plate repeats a value, and says when it repeats one too often to be alive."""

    def __init__(self, plates: int) -> None:
        """Nothing is known yet: a plate may repeat as it likes until it was seen to change."""
        self._equal: FloatArray = np.full(plates, 0.5)
        self._pairs: FloatArray = np.full(plates, 0.5)
        self._run: FloatArray = np.zeros(plates)
        self._last: FloatArray = np.full(plates, np.nan)
        self._finest: FloatArray = np.full(plates, np.inf)

    @property
    def resolution_g(self) -> FloatArray:
        """The smallest difference that two readings of each plate ever had, (plates,); 0 while none had any."""
        return np.where(np.isfinite(self._finest), self._finest, 0.0)

    def stuck(self, samples: FloatArray) -> BoolArray:
        """Take the next (n, plates) samples; return which plates stand stuck at the end of them, (plates,)."""
        steps = np.diff(np.concatenate([self._last[None], samples]), axis=0)
        known = np.isfinite(steps)
        equal = known & (steps == 0)
        self._last = samples[-1]
        sizes = np.where(known & ~equal, np.abs(steps), np.inf)
        self._finest = np.minimum(self._finest, sizes.min(axis=0))
        whole = equal.all(axis=0)
        # How many equal pairs the block ends with: all, or those after the last change.
        ends = np.where(whole, len(samples), np.argmax(~equal[::-1], axis=0))
        self._run = np.where(whole, self._run + ends, ends)
        share = np.clip(_SPREAD * self._equal / self._pairs + _LEAST, 0.0, _MOST)
        stuck = self._run * np.log(share) < np.log(_CHANCE)
        self._pairs += np.where(stuck, 0, known.sum(axis=0))
        self._equal += np.where(stuck, 0, equal.sum(axis=0))
        fade = np.where(self._pairs > _MEMORY_SAMPLES, 0.5, 1.0)
        self._pairs *= fade
        self._equal *= fade
        return np.asarray(stuck)
