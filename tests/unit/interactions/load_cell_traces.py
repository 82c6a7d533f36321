"""Synthetic readings of load cells: noise, offsets, drift, cross-talk, hands that push, shelves that ring."""

from dataclasses import dataclass, field

import numpy as np

from walkout.drivers.types import ReadingBatch

RATE_HZ = 60.0
PERIOD_NS = 16_666_667


@dataclass
class Trace:
    """Draws readings of ``plates`` plates for ``seconds``; add reaches, then ask for the batches."""

    plates: int
    seconds: float
    seed: int = 0
    noise_g: float = 1.0
    crosstalk: float = 0.02
    grams: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.generator = np.random.default_rng(self.seed)
        count = round(self.seconds * RATE_HZ)
        self.time_s = np.arange(count) / RATE_HZ
        self.load = np.zeros((count, self.plates))
        self.extra = np.zeros((count, self.plates))
        self.offset = self.generator.normal(0, 2000, self.plates)

    def reach(self, plate: int, at_s: float, delta_g: float, hand_s: float = 1.0, push_g: float = 80.0) -> None:
        """A hand pushes from ``at_s`` for ``hand_s``; half-way the load changes by ``delta_g`` and the shelf rings."""
        inside = (self.time_s >= at_s) & (self.time_s < at_s + hand_s)
        swing = np.convolve(self.generator.normal(0, push_g, inside.sum() + 8), np.ones(9) / 3, "valid")
        self.extra[inside, plate] += swing
        self.load[self.time_s >= at_s + hand_s / 2, plate] += delta_g
        after = self.time_s - (at_s + hand_s / 2)
        ring = 0.05 * abs(delta_g) * np.exp(-after / 0.5) * np.cos(2 * np.pi * 3.5 * after)
        self.extra[:, plate] += np.where(after > 0, ring, 0.0)

    def lean(self, plate: int, at_s: float, seconds: float, push_g: float) -> None:
        """A hand rests steadily on a plate and goes away again."""
        self.extra[(self.time_s >= at_s) & (self.time_s < at_s + seconds), plate] += push_g

    def batches(self, fixture_id: str, drift_g_per_s: float = 0.0) -> list[ReadingBatch]:
        coupling = np.eye(self.plates)
        for plate in range(self.plates - 1):
            coupling[plate, plate + 1] = coupling[plate + 1, plate] = self.crosstalk
        grams = (self.load + self.extra) @ coupling + self.offset + drift_g_per_s * self.time_s[:, None]
        grams += self.generator.normal(0, self.noise_g, grams.shape)
        return [
            ReadingBatch(fixture_id, start * PERIOD_NS, PERIOD_NS, grams[start : start + 12].astype(np.float32))
            for start in range(0, len(grams), 12)
        ]
