"""The load cells under the lanes: true grams in, what real plates report out.

Modelled on traces of a real store (AiFi NanoStore, CPS-IoT Week 2020): plates are not zeroed and drift; quiet noise has
a standard deviation of 0.5 to 1.4 g; neighbours of a plate see one to three per cent of its load; a hand pushes by tens
to hundreds of grams with either sign; a pick makes the whole shelf swing and ring for 1.5 to 4 s, although the picked
plate itself steps within a tenth of a second.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
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


class LoadCells:
    """The plates of all fixtures with shelves, sampled together; every 12 samples each fixture delivers a batch.

    Arrays over plates are in the order of ``Store.lane_sites``. Every fixture draws from a stream of its own.
    """

    def __init__(self, fixtures: Sequence[Fixture], options: LoadCellOptions, seed: int, loads_g: FloatArray) -> None:
        """Draw all plates: offsets, noise, cross-talk, how shelves ring. ``loads_g`` (plates,) rests on them."""
        self._options = options
        self._fixtures: list[_FixturePlates] = []
        first = shelves = 0
        for fixture in fixtures:
            if fixture.lanes:
                self._fixtures.append(_FixturePlates.draw(fixture, options, seed, first, shelves))
                first += len(fixture.lanes)
                shelves += len(fixture.shelves)
        self._shelf_of = np.concatenate([plates.shelf_of for plates in self._fixtures])
        self._share = np.concatenate([plates.share for plates in self._fixtures])
        self._plates = _Modes.of(*(np.concatenate([p.plate_modes[i] for p in self._fixtures]) for i in (0, 1)))
        self._sway = _Modes.of(*(np.concatenate([p.sway_modes[i] for p in self._fixtures]) for i in (0, 1)))
        self._plates.state[0] = loads_g
        self._sway.state[0] = self._shelf_sum(loads_g)
        self._rows: list[FloatArray] = []
        self._first_ns = 0

    def _shelf_sum(self, values: FloatArray) -> FloatArray:
        return np.bincount(self._shelf_of, values, minlength=self._sway.state.shape[1]).astype(np.float64)

    def sample(self, stamp_ns: int, load_g: FloatArray, push_g: FloatArray) -> list[ReadingBatch]:
        """Take one sample of all plates; returns the batches it completes. Arrays are (plates,)."""
        force = load_g + push_g
        plate = self._plates.step(force)
        total = self._shelf_sum(force)
        ringing = total - self._sway.step(total)
        if not self._rows:
            self._first_ns = stamp_ns
        self._rows.append(plate + self._share * ringing[self._shelf_of])
        if len(self._rows) < BATCH:
            return []
        values = np.array(self._rows)
        self._rows = []
        return [self._finish(plates, values) for plates in self._fixtures]

    def _finish(self, plates: _FixturePlates, values: FloatArray) -> ReadingBatch:
        count = len(plates.offset)
        grams = values[:, plates.first : plates.first + count] @ plates.coupling.T
        step_sd = self._options.drift_g_per_hour * np.sqrt(BATCH / RATE_HZ / 3600.0)
        plates.offset += plates.generator.normal(0.0, step_sd, count)
        grams += plates.offset + plates.generator.normal(0.0, 1.0, grams.shape) * plates.noise
        if self._options.quantisation_g > 0.0:
            grams = np.round(grams / self._options.quantisation_g) * self._options.quantisation_g
        return ReadingBatch(plates.fixture_id, self._first_ns, PERIOD_NS, grams.astype(np.float32))


@dataclass
class _FixturePlates:
    """What is drawn once for a fixture. ``first`` is its first plate's index, ``shelf_of`` each plate's shelf."""

    fixture_id: str
    generator: np.random.Generator
    first: int
    shelf_of: NDArray[np.int64]
    offset: FloatArray
    noise: FloatArray
    coupling: FloatArray
    share: FloatArray
    plate_modes: tuple[FloatArray, FloatArray]
    sway_modes: tuple[FloatArray, FloatArray]

    @classmethod
    def draw(
        cls, fixture: Fixture, options: LoadCellOptions, seed: int, first: int, first_shelf: int
    ) -> _FixturePlates:
        generator = stream(seed, "load_cells", fixture.fixture_id)
        count, shelves = len(fixture.lanes), len(fixture.shelves)
        shelf_of = np.repeat(np.arange(shelves), [len(shelf.lanes) for shelf in fixture.shelves])
        noise = generator.uniform(*options.noise_g, count)
        noise[generator.random(count) < options.noisy_share] = options.noisy_g
        return cls(
            fixture_id=fixture.fixture_id,
            generator=generator,
            first=first,
            shelf_of=shelf_of + first_shelf,
            offset=generator.normal(0.0, 2500.0, count),
            noise=noise,
            coupling=np.eye(count) + _draw_cross_talk(shelf_of, options.cross_talk, generator),
            share=generator.normal(0.0, 0.045, count) + generator.normal(0.0, 0.012, shelves)[shelf_of],
            plate_modes=(generator.uniform(9.0, 13.0, count), generator.uniform(0.35, 0.6, count)),
            sway_modes=(generator.uniform(2.6, 5.0, shelves), generator.uniform(0.055, 0.09, shelves)),
        )


def _draw_cross_talk(
    shelf_of: NDArray[np.int64], share: tuple[float, float], generator: np.random.Generator
) -> FloatArray:
    matrix = np.zeros((len(shelf_of), len(shelf_of)))
    for index in range(len(shelf_of) - 1):
        if shelf_of[index] == shelf_of[index + 1]:
            matrix[index, index + 1], matrix[index + 1, index] = generator.uniform(*share, 2)
    return matrix
