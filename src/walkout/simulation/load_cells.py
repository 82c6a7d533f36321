"""The load cells under the lanes: true grams in, what real plates report out.

Modelled on traces of a real store (AiFi NanoStore, CPS-IoT Week 2020): plates are not zeroed and drift; quiet noise has
a standard deviation of 0.5 to 1.4 g; neighbours of a plate see one to three per cent of its load; a hand pushes by tens
to hundreds of grams with either sign; a pick makes the whole shelf swing and ring for 1.5 to 4 s, although the picked
plate itself steps within a tenth of a second.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from walkout.drivers.types import ReadingBatch
from walkout.simulation.scenario import LoadCellOptions
from walkout.store.model import Fixture

FloatArray = NDArray[np.float64]

RATE_HZ = 60.0
PERIOD_NS = 16_666_667
BATCH = 12


def stream(seed: int, kind: str, name: str) -> np.random.Generator:
    """Return the random stream of one thing; streams of different things do not disturb each other."""
    return np.random.default_rng([seed, zlib.crc32(kind.encode()), zlib.crc32(name.encode())])


@dataclass
class _Modes:
    """Second-order modes, one per column, as a state-space pair stepped at 60 Hz (exact discretisation)."""

    transition: FloatArray
    drive: FloatArray
    state: FloatArray

    @classmethod
    def of(cls, frequency_hz: FloatArray, damping: FloatArray) -> _Modes:
        omega = 2 * np.pi * frequency_hz
        decay = np.exp(-damping * omega / RATE_HZ)
        ringing = omega * np.sqrt(1 - damping**2)
        angle = ringing / RATE_HZ
        cos, sin = np.cos(angle), np.sin(angle)
        ratio = damping * omega / ringing
        transition = np.array(
            [
                [decay * (cos + ratio * sin), decay * sin / ringing],
                [-decay * sin * omega**2 / ringing, decay * (cos - ratio * sin)],
            ]
        )
        drive = np.array([1 - transition[0, 0], -transition[1, 0]])
        return cls(transition, drive, np.zeros((2, len(frequency_hz))))

    def step(self, force: FloatArray) -> FloatArray:
        """Return the deflection (columns,) after one sample under a constant force, in the force's unit."""
        a, b = self.transition, self.drive
        x, v = self.state
        self.state = np.array([a[0, 0] * x + a[0, 1] * v + b[0] * force, a[1, 0] * x + a[1, 1] * v + b[1] * force])
        deflection: FloatArray = self.state[0]
        return deflection


class FixtureCells:
    """All plates of one fixture. Feed it 60 Hz samples of load and push; every 12 make a batch."""

    def __init__(self, fixture: Fixture, options: LoadCellOptions, seed: int, loads_g: FloatArray) -> None:
        """Draw this fixture's plates: offsets, noise, cross-talk, how its shelves ring. ``loads_g`` rests on them."""
        self.fixture_id = fixture.fixture_id
        generator = self._generator = stream(seed, "load_cells", fixture.fixture_id)
        count = len(fixture.lanes)
        self._shelf_of = np.repeat(np.arange(len(fixture.shelves)), [len(shelf.lanes) for shelf in fixture.shelves])
        self._offset = generator.normal(0.0, 2500.0, count)
        self._noise = generator.uniform(*options.noise_g, count)
        noisy = generator.random(count) < options.noisy_share
        self._noise[noisy] = options.noisy_g
        self._options = options
        self._coupling = np.eye(count) + self._draw_cross_talk(generator, options)
        shelves = len(fixture.shelves)
        self._plates = _Modes.of(generator.uniform(9.0, 13.0, count), generator.uniform(0.35, 0.6, count))
        self._sway = _Modes.of(generator.uniform(2.6, 5.0, shelves), generator.uniform(0.055, 0.09, shelves))
        self._share = generator.normal(0.0, 0.045, count) + generator.normal(0.0, 0.012, shelves)[self._shelf_of]
        self._plates.state[0] = loads_g
        self._sway.state[0] = self._shelf_sum(loads_g)
        self._rows: list[FloatArray] = []
        self._first_ns = 0

    def _draw_cross_talk(self, generator: np.random.Generator, options: LoadCellOptions) -> FloatArray:
        count = len(self._shelf_of)
        matrix = np.zeros((count, count))
        for index in range(count - 1):
            if self._shelf_of[index] == self._shelf_of[index + 1]:
                matrix[index, index + 1], matrix[index + 1, index] = generator.uniform(*options.cross_talk, 2)
        return matrix

    def _shelf_sum(self, values: FloatArray) -> FloatArray:
        return np.bincount(self._shelf_of, values, minlength=self._sway.state.shape[1])

    def sample(self, stamp_ns: int, load_g: FloatArray, push_g: FloatArray) -> ReadingBatch | None:
        """Take one sample; returns the batch it completes. Arrays are (plates,)."""
        force = load_g + push_g
        plate = self._plates.step(force)
        total = self._shelf_sum(force)
        ringing = total - self._sway.step(total)
        if not self._rows:
            self._first_ns = stamp_ns
        self._rows.append(plate + self._share * ringing[self._shelf_of])
        return self._finish() if len(self._rows) == BATCH else None

    def _finish(self) -> ReadingBatch:
        values = np.array(self._rows) @ self._coupling.T
        self._rows = []
        count = values.shape[1]
        step_sd = self._options.drift_g_per_hour * np.sqrt(BATCH / RATE_HZ / 3600.0)
        self._offset += self._generator.normal(0.0, step_sd, count)
        values += self._offset + self._generator.normal(0.0, 1.0, values.shape) * self._noise
        if self._options.quantisation_g > 0.0:
            values = np.round(values / self._options.quantisation_g) * self._options.quantisation_g
        return ReadingBatch(self.fixture_id, self._first_ns, PERIOD_NS, values.astype(np.float32))
