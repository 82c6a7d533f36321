"""Settled levels of all plates of a fixture at once: quiet, disturbed, quiet again.

A plate is followed in blocks of a few samples. While it is quiet its level follows the slow drift; when a block leaves
the level the plate is disturbed (a hand pushes, an item moves) until the block means stand still again. The difference
of the two settled levels is the step. The scatter of the block means sets every threshold, so that a plate with ten
times the noise of its neighbour, or one that shakes because somebody walks past, needs a ten times clearer sign.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

# The mean distance of two independent normal values, in standard deviations.
_MEAN_DIFFERENCE = 1.128


@dataclass(frozen=True)
class PlateTrackerParameters:
    """How levels are followed.

    Attributes:
        block_samples: samples averaged into one block.
        onset_sigmas: a block this many scatters off the level starts a disturbance.
        onset_g: and at least this far off.
        settle_s: the block means must stand still this long to be a settled level.
        hold_s: a settled level that held this long ends the disturbance.
        ring_s: shelves ring on for seconds after the hand has gone; means over this period are free of it.
        swing_g: such means that differ by less stand still,
        trend_g: when their average does not move by more than this,
        still_sigmas: nor either by more than this many scatters.
        level_time_s: time constant of a quiet level.
        scatter_time_s: time constant of the scatter.
        scatter_floor_g: no plate is believed to be better than this.
        scatter_prior_g: scatter of a block mean assumed before anything was seen.
        give_up_s: a plate that never stands still is cut after this time.
    """

    block_samples: int = 6
    onset_sigmas: float = 6.0
    onset_g: float = 3.0
    settle_s: float = 0.4
    hold_s: float = 0.7
    ring_s: float = 0.3
    swing_g: float = 8.0
    trend_g: float = 3.0
    still_sigmas: float = 4.5
    level_time_s: float = 2.0
    scatter_time_s: float = 6.0
    scatter_floor_g: float = 0.15
    scatter_prior_g: float = 0.6
    give_up_s: float = 20.0

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        if self.block_samples < 2:
            raise ValueError(f"block_samples is {self.block_samples}: at least 2 samples make a block")
        for name in (
            "onset_g",
            "settle_s",
            "hold_s",
            "ring_s",
            "swing_g",
            "trend_g",
            "level_time_s",
            "scatter_time_s",
            "give_up_s",
        ):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)}: must be positive")
        if self.hold_s < self.settle_s:
            raise ValueError(f"hold_s ({self.hold_s}) must not be shorter than settle_s ({self.settle_s})")

    RANGES: ClassVar[Mapping[str, tuple[float, float]]] = {
        "block_samples": (2, 120),
        "onset_sigmas": (1, 50),
        "onset_g": (0.1, 500),
        "settle_s": (0.05, 10),
        "hold_s": (0.05, 30),
        "ring_s": (0.05, 10),
        "swing_g": (0.1, 1000),
        "trend_g": (0.1, 1000),
        "still_sigmas": (0.5, 50),
        "level_time_s": (0.1, 600),
        "scatter_time_s": (0.1, 600),
        "scatter_floor_g": (0.001, 100),
        "scatter_prior_g": (0.001, 100),
        "give_up_s": (1, 600),
    }


@dataclass(frozen=True)
class PlateChange:
    """A disturbance of one plate as far as it is known.

    ``step_g`` is the settled level minus the one before the onset, ``sd_g`` its standard deviation. ``settled`` says
    that the plate stands still now, ``final`` that it held long enough for the disturbance to be over.
    """

    plate: int
    onset_ns: int
    end_ns: int
    step_g: float
    sd_g: float
    settled: bool
    final: bool


class PlateTracker:
    """Follows ``plates`` plates, block by block."""

    def __init__(self, parameters: PlateTrackerParameters, plates: int, period_ns: int) -> None:
        """Start with unknown levels; ``period_ns`` is the time between samples."""
        self._p = parameters
        self._plates = plates
        block_s = parameters.block_samples * period_ns * 1e-9
        self._block_ns = parameters.block_samples * period_ns
        self._settle_blocks = max(3, round(parameters.settle_s / block_s))
        self._hold_blocks = max(self._settle_blocks, round(parameters.hold_s / block_s))
        self._give_up_blocks = round(parameters.give_up_s / block_s)
        self._level_gain = min(1.0, block_s / parameters.level_time_s)
        self._scatter_gain = min(1.0, block_s / parameters.scatter_time_s)
        self._ring_blocks = max(1, round(parameters.ring_s / block_s))
        self._history = np.full((self._settle_blocks + max(self._ring_blocks, 3), plates), np.nan)
        self._within: FloatArray = np.zeros(plates)
        self.level_g: FloatArray = np.full(plates, np.nan)
        self.scatter_g: FloatArray = np.full(plates, parameters.scatter_prior_g)
        self.disturbed: BoolArray = np.zeros(plates, bool)
        self.peak_g: FloatArray = np.zeros(plates)
        self.onset_ns: IntArray = np.zeros(plates, np.int64)
        self._disturbed_blocks: IntArray = np.zeros(plates, np.int64)
        self._settled_ns: IntArray = np.zeros(plates, np.int64)
        self._still_blocks: IntArray = np.zeros(plates, np.int64)
        self._blind: BoolArray = np.ones(plates, bool)

    def add_block(self, stamp_ns: int, samples: FloatArray) -> list[PlateChange]:
        """Take a block of (block_samples, plates) grams; return the disturbed plates that stand still.

        A plate without a value in the block is blind: it keeps its level and reports nothing.
        """
        mean, within = _block_statistics(samples)
        seen = np.isfinite(mean)
        self._shift_history(mean, within)
        self._start_levels(seen)
        off = mean - self.level_g
        threshold = np.maximum(self._p.onset_sigmas * self.scatter_g, self._p.onset_g)
        begins = seen & ~self._blind & ~self.disturbed & (np.abs(off) > threshold)
        self._begin(begins, stamp_ns, threshold)
        self._follow_quiet(seen & ~self.disturbed)
        return self._progress(stamp_ns, seen) if self.disturbed.any() else []

    @property
    def standing(self) -> BoolArray:
        """Which disturbed plates stand still at the moment, (plates,)."""
        return self.disturbed & (self._still_blocks > 0)

    def forget(self, plates: BoolArray) -> None:
        """Drop the level of the plates given, (plates,) bool: their next level starts anew without an event."""
        self.level_g[plates] = np.nan
        self.disturbed[plates] = False
        self.peak_g[plates] = 0.0
        self._history[:, plates] = np.nan
        self._blind[plates] = True

    def _shift_history(self, mean: FloatArray, within: FloatArray) -> None:
        self._history[:-1] = self._history[1:]
        self._history[-1] = mean
        self._within = np.where(np.isfinite(within), 0.7 * self._within + 0.3 * within, self._within)

    def _start_levels(self, seen: BoolArray) -> None:
        """Give a plate its first level once it stood still, or in any case when the window is full."""
        if not self._blind.any():
            return
        window = self._history[-self._settle_blocks :]
        full = self._blind & np.isfinite(window).all(axis=0) & seen
        if full.any():
            self.level_g[full] = np.median(window[:, full], axis=0)
            spread = np.abs(np.diff(window[:, full], axis=0)).mean(axis=0) / _MEAN_DIFFERENCE
            self.scatter_g[full] = np.clip(spread, self._p.scatter_floor_g, 4.0)
            self._blind[full] = False

    def _stillness(self) -> tuple[BoolArray, FloatArray, FloatArray]:
        """Return which plates stand still over the settling window, their mean there and its standard deviation."""
        window = self._history[-self._settle_blocks :]
        mean = window.mean(axis=0)
        # Averaged over about one period, the ringing of the shelf is gone; what is left is a hand or an item.
        longer = self._history[-self._settle_blocks - self._ring_blocks + 1 :]
        smooth = sliding_window_view(longer, self._ring_blocks, axis=0).mean(axis=2)
        swing = smooth.max(axis=0) - smooth.min(axis=0)
        trend = np.abs(mean - self._history[-self._settle_blocks - 2 : -2].mean(axis=0))
        # Shaking from sample to sample shrinks in a mean by the root of its samples; the slow swing of a hand does not.
        shake = np.sqrt(self.scatter_g**2 + (self._within**2) / self._p.block_samples)
        still = swing < np.maximum(self._p.still_sigmas * shake / np.sqrt(self._ring_blocks), self._p.swing_g)
        still &= trend < np.maximum(0.4 * self._p.still_sigmas * shake, self._p.trend_g)
        sd = np.sqrt((window.var(axis=0) + self.scatter_g**2) / self._settle_blocks)
        return still & np.isfinite(mean), mean, sd

    def _begin(self, begins: BoolArray, stamp_ns: int, threshold: FloatArray) -> None:
        if not begins.any():
            return
        # The touch is often felt a little in the block before the one that crosses the threshold.
        before = np.abs(self._history[-2] - self.level_g) > 0.5 * threshold
        self.onset_ns[begins] = stamp_ns
        self.onset_ns[begins & before] = stamp_ns - self._block_ns
        self._disturbed_blocks[begins] = 0
        self._still_blocks[begins] = 0
        self.disturbed |= begins

    def _follow_quiet(self, quiet: BoolArray) -> None:
        # Two blocks late, so that the slow beginning of a touch does not pull the level along.
        late = self._history[-3]
        known = quiet & np.isfinite(late) & np.isfinite(self.level_g)
        step = np.where(known, late - self.level_g, 0.0)
        self.level_g += self._level_gain * step
        jump = np.abs(self._history[-1] - self._history[-2]) / _MEAN_DIFFERENCE
        usable = known & np.isfinite(jump)
        target = np.clip(np.where(usable, jump, self.scatter_g), 0.0, 3.0 * self.scatter_g)
        self.scatter_g = np.maximum(
            self.scatter_g + self._scatter_gain * (target - self.scatter_g), self._p.scatter_floor_g
        )
        self.peak_g[quiet] = 0.0

    def _progress(self, stamp_ns: int, seen: BoolArray) -> list[PlateChange]:
        still, window_mean, window_sd = self._stillness()
        active = np.flatnonzero(self.disturbed & seen)
        changes = []
        for plate in active:
            self._disturbed_blocks[plate] += 1
            displacement = abs(self._history[-1, plate] - self.level_g[plate])
            self.peak_g[plate] = max(self.peak_g[plate], displacement)
            # The window must lie wholly after the onset, or a plate would be still because it has not moved yet.
            stands = bool(still[plate]) and self._disturbed_blocks[plate] >= self._settle_blocks
            cut = self._disturbed_blocks[plate] >= self._give_up_blocks
            if not stands and not cut:
                self._still_blocks[plate] = 0
                continue
            if self._still_blocks[plate] == 0:
                self._settled_ns[plate] = stamp_ns + self._block_ns - self._settle_blocks * self._block_ns
            self._still_blocks[plate] += 1
            final = cut or self._still_blocks[plate] > self._hold_blocks - self._settle_blocks
            changes.append(self._change(int(plate), window_mean, window_sd, final))
            if final:
                self._end(int(plate), window_mean)
        return changes

    def _change(self, plate: int, window_mean: FloatArray, window_sd: FloatArray, final: bool) -> PlateChange:
        # The level before was an average over its time constant: its own error is small against the new one.
        step = float(window_mean[plate] - self.level_g[plate])
        sd = float(np.hypot(window_sd[plate], 0.5 * self.scatter_g[plate]))
        onset = int(self.onset_ns[plate])
        settled = max(onset, int(self._settled_ns[plate]))
        return PlateChange(plate, onset, settled, step, sd, True, bool(final))

    def _end(self, plate: int, window_mean: FloatArray) -> None:
        self.disturbed[plate] = False
        self.peak_g[plate] = 0.0
        self.level_g[plate] = window_mean[plate]
        self._still_blocks[plate] = 0


def _block_statistics(samples: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the mean of each column and its shaking from sample to sample, NaN where half of the column is missing."""
    if np.isfinite(samples).all():
        return samples.mean(axis=0), np.abs(np.diff(samples, axis=0)).mean(axis=0) / _MEAN_DIFFERENCE
    good = np.isfinite(samples)
    count = good.sum(axis=0)
    mean = np.where(good, samples, 0.0).sum(axis=0) / np.maximum(count, 1)
    steps = np.abs(np.diff(samples, axis=0))
    pairs = np.isfinite(steps)
    shaking = np.where(pairs, steps, 0.0).sum(axis=0) / np.maximum(pairs.sum(axis=0), 1) / _MEAN_DIFFERENCE
    enough = 2 * count > len(samples)
    return np.where(enough, mean, np.nan), np.where(enough, shaking, np.nan)
