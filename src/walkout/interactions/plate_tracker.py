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

# How far back the moment of a change is looked for.
_MEMORY_S = 8.0
# A plate that is back at its old level for this long before the change was not being touched for it.
_QUIET_S = 0.6
# Splits whose misfit is this many blocks' worth of the step above the least are as good.
_HARDLY_WORSE = 1.5
# Blocks of fewer samples do not tell shaking from slow movement.
_TELLING_SAMPLES = 4
# The mean distance of two independent normal values, in standard deviations.
_MEAN_DIFFERENCE = 1.128


@dataclass(frozen=True)
class PlateTrackerParameters:
    """How levels are followed.

    Attributes:
        block_s: samples of this long are averaged into one block (a slow plate's single samples are blocks).
        onset_sigmas: a block this many scatters off the level starts a disturbance.
        onset_g: and at least this far off.
        settle_s: the block means must stand still this long to be a settled level.
        hold_s: a settled level that held this long ends the disturbance.
        ring_s: shelves ring on for seconds after the hand has gone; means over this period are free of it.
        swing_g: such means that differ by less stand still, after a big step;
        swing_share: after a small one they may differ by this share of it, or a hand that rests would pass for a load,
        swing_floor_g: and by this in any case.
        trend_g: their average must not move by more than this either,
        trend_share: or this share of the step,
        trend_floor_g: or this.
        still_sigmas: what is within this many scatters stands still, whatever the step.
        level_time_s: time constant of a quiet level.
        scatter_time_s: time constant of the scatter.
        scatter_floor_g: no plate is believed to be better than this.
        scatter_prior_g: scatter of a block mean assumed before anything was seen.
        clear_sigmas: a new level must be this many standard deviations from the old one to end a disturbance.
        beside_s: a plate next to one on which a hand works is waited for this much longer,
        beside_share: when its step is smaller than this share of what is felt there.
        crosstalk_share: as long as it takes, when it is smaller than this share.
        spike_g: single samples this far off the ones before are taken for glitches,
        spike_sigmas: when they are also this many times the plate's noise off.
        give_up_s: a plate that never stands still is cut after this time.
    """

    block_s: float = 0.1
    onset_sigmas: float = 6.0
    onset_g: float = 3.0
    settle_s: float = 0.4
    hold_s: float = 0.7
    ring_s: float = 0.3
    swing_g: float = 8.0
    swing_share: float = 0.06
    swing_floor_g: float = 1.5
    trend_g: float = 3.0
    trend_share: float = 0.025
    trend_floor_g: float = 0.6
    still_sigmas: float = 4.5
    level_time_s: float = 2.0
    scatter_time_s: float = 6.0
    scatter_floor_g: float = 0.15
    scatter_prior_g: float = 0.6
    clear_sigmas: float = 4.5
    beside_s: float = 3.0
    beside_share: float = 0.5
    crosstalk_share: float = 0.06
    spike_g: float = 25.0
    spike_sigmas: float = 8.0
    give_up_s: float = 20.0

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        for name in (
            "block_s",
            "onset_g",
            "settle_s",
            "hold_s",
            "ring_s",
            "swing_floor_g",
            "trend_floor_g",
            "spike_g",
            "spike_sigmas",
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
        "block_s": (0.01, 2),
        "onset_sigmas": (1, 50),
        "onset_g": (0.1, 500),
        "settle_s": (0.05, 10),
        "hold_s": (0.05, 30),
        "ring_s": (0.05, 10),
        "swing_g": (0.1, 1000),
        "swing_share": (0, 1),
        "swing_floor_g": (0.1, 1000),
        "trend_g": (0.1, 1000),
        "trend_share": (0, 1),
        "trend_floor_g": (0.1, 1000),
        "still_sigmas": (0.5, 50),
        "level_time_s": (0.1, 600),
        "scatter_time_s": (0.1, 600),
        "scatter_floor_g": (0.001, 100),
        "scatter_prior_g": (0.001, 100),
        "clear_sigmas": (0, 50),
        "beside_s": (0, 60),
        "beside_share": (0, 10),
        "crosstalk_share": (0, 1),
        "spike_g": (0.1, 1e5),
        "spike_sigmas": (1, 1000),
        "give_up_s": (1, 600),
    }


@dataclass(frozen=True)
class PlateChange:
    """A disturbance of one plate as far as it is known. ``begun_ns`` names it; it never changes.

    The touch that led to the step was felt at ``onset_ns``; restlessness long before it is left out.
    ``step_g`` is the settled level minus the one before the onset, ``sd_g`` its standard deviation; the load itself
    changed between the two ``changed_ns``. ``settled`` says that the plate stands still now, ``final`` that it held
    long enough for the disturbance to be over.
    """

    plate: int
    begun_ns: int
    onset_ns: int
    changed_ns: tuple[int, int]
    end_ns: int
    step_g: float
    sd_g: float
    settled: bool
    final: bool


class PlateTracker:
    """Follows ``plates`` plates, block by block."""

    def __init__(
        self, parameters: PlateTrackerParameters, plates: int, period_ns: int, beside: BoolArray | None = None
    ) -> None:
        """Start with unknown levels; ``period_ns`` is the time between samples.

        ``beside`` (plates, plates) says which plates lie next to each other: a hand that works on one is felt there.
        """
        self._p = parameters
        self._plates = plates
        self._beside = np.zeros((plates, plates), bool) if beside is None else beside
        self.block_samples = max(1, round(parameters.block_s * 1e9 / period_ns))
        self._block_ns = self.block_samples * period_ns
        block_s = self._block_ns * 1e-9
        self._settle_blocks = max(3, round(parameters.settle_s / block_s))
        self._hold_blocks = max(self._settle_blocks, round(parameters.hold_s / block_s))
        self._give_up_blocks = max(2 * self._hold_blocks, round(parameters.give_up_s / block_s))
        self._beside_blocks = round(parameters.beside_s / block_s)
        self._level_gain = min(1.0, block_s / parameters.level_time_s)
        self._scatter_gain = min(1.0, block_s / parameters.scatter_time_s)
        self._quiet_blocks = max(1, round(_QUIET_S / block_s))
        self._ring_blocks = max(1, round(parameters.ring_s / block_s))
        memory = max(self._settle_blocks + max(self._ring_blocks, 3), round(_MEMORY_S / block_s))
        self._history = np.full((memory, plates), np.nan)
        self._within: FloatArray = np.zeros(plates)
        self._tail: FloatArray = np.full((2, plates), np.nan)
        self.level_g: FloatArray = np.full(plates, np.nan)
        self.scatter_g: FloatArray = np.full(plates, parameters.scatter_prior_g)
        self.disturbed: BoolArray = np.zeros(plates, bool)
        self.seen: BoolArray = np.zeros(plates, bool)
        self.peak_g: FloatArray = np.zeros(plates)
        self.onset_ns: IntArray = np.zeros(plates, np.int64)
        self._disturbed_blocks: IntArray = np.zeros(plates, np.int64)
        self._settled_ns: IntArray = np.zeros(plates, np.int64)
        self._still_blocks: IntArray = np.zeros(plates, np.int64)
        self._quiet_for: IntArray = np.full(plates, self._settle_blocks, np.int64)
        self._blind: BoolArray = np.ones(plates, bool)
        self._stamp_ns = 0

    def add_block(self, stamp_ns: int, samples: FloatArray) -> list[PlateChange]:
        """Take a block of (block_samples, plates) grams; return the disturbed plates that stand still.

        A plate without a value in the block is blind: it keeps its level and reports nothing.
        """
        mean, within = _block_statistics(self._without_spikes(samples))
        self.seen = np.isfinite(mean)
        self._stamp_ns = stamp_ns
        self._shift_history(mean, within)
        self._start_levels(self.seen)
        off = mean - self.level_g
        threshold = np.maximum(self._p.onset_sigmas * self.scatter_g, self._p.onset_g)
        begins = self.seen & ~self._blind & ~self.disturbed & (np.abs(off) > threshold)
        self._begin(begins, stamp_ns, threshold)
        self._follow_quiet(self.seen & ~self.disturbed)
        return self._progress(stamp_ns) if self.disturbed.any() else []

    @property
    def moving(self) -> BoolArray:
        """Which plates are disturbed and do not stand still at the moment, (plates,)."""
        return self.disturbed & self.seen & (self._still_blocks == 0)

    @property
    def standing(self) -> BoolArray:
        """Which disturbed plates stand still at the moment, (plates,)."""
        return self.disturbed & (self._still_blocks > 0)

    def abandon(self, plates: BoolArray) -> None:
        """End the disturbances of the plates given, (plates,) bool, as if they had not been; their levels stay."""
        self.disturbed[plates] = False
        self.peak_g[plates] = 0.0
        self._still_blocks[plates] = 0
        self._history[:, plates] = np.nan

    def _without_spikes(self, samples: FloatArray) -> FloatArray:
        """Return the samples without single ones that lie far off: electronics glitch for one conversion.

        Looks back only: a true jump is felt one sample late.
        """
        previous = np.concatenate([self._tail, samples])
        self._tail = previous[-2:]
        low, high = np.minimum(previous[:-2], previous[1:-1]), np.maximum(previous[:-2], previous[1:-1])
        middle = np.maximum(low, np.minimum(high, samples))
        limit = np.maximum(self._p.spike_g, self._p.spike_sigmas * np.maximum(self._within, self.scatter_g))
        spikes = np.abs(samples - middle) > limit
        return np.where(spikes, middle, samples) if spikes.any() else samples

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
        p = self._p
        window = self._history[-self._settle_blocks :]
        mean = window.mean(axis=0)
        # Averaged over about one period, the ringing of the shelf is gone; what is left is a hand or an item.
        longer = self._history[-self._settle_blocks - self._ring_blocks + 1 :]
        smooth = sliding_window_view(longer, self._ring_blocks, axis=0).mean(axis=2)
        swing = smooth.max(axis=0) - smooth.min(axis=0)
        trend = np.abs(mean - self._history[-self._settle_blocks - 2 : -2].mean(axis=0))
        # Shaking from sample to sample shrinks in a mean by the root of its samples; the slow swing of a hand does not.
        within = self._within if self.block_samples >= _TELLING_SAMPLES else 0.0 * self._within
        shake = np.sqrt(self.scatter_g**2 + within**2 / self.block_samples)
        size = np.abs(mean - self.level_g)
        may_swing = np.clip(p.swing_share * size, p.swing_floor_g, p.swing_g)
        may_trend = np.clip(p.trend_share * size, p.trend_floor_g, p.trend_g)
        still = swing < np.maximum(p.still_sigmas * shake / np.sqrt(self._ring_blocks), may_swing)
        still &= trend < np.maximum(0.4 * p.still_sigmas * shake, may_trend)
        noise = np.maximum(self.scatter_g, within / np.sqrt(self.block_samples))
        sd = np.sqrt((window.var(axis=0) + noise**2) / self._settle_blocks)
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
        most = self._p.onset_sigmas * self.scatter_g + self._p.onset_g
        step = np.where(known, np.clip(late - self.level_g, -most, most), 0.0)
        self.level_g += self._level_gain * step
        jump = np.abs(self._history[-1] - self._history[-2]) / _MEAN_DIFFERENCE
        usable = known & np.isfinite(jump)
        target = np.clip(np.where(usable, jump, self.scatter_g), 0.0, 3.0 * self.scatter_g)
        self.scatter_g = np.maximum(
            self.scatter_g + self._scatter_gain * (target - self.scatter_g), self._p.scatter_floor_g
        )
        self._quiet_for[known] += 1
        self.peak_g[quiet] = 0.0

    def _progress(self, stamp_ns: int) -> list[PlateChange]:
        still, window_mean, window_sd = self._stillness()
        active = self.disturbed & self.seen
        self._disturbed_blocks[active] += 1
        displacement = np.abs(self._history[-1] - self.level_g)
        self.peak_g = np.where(active, np.maximum(self.peak_g, displacement), self.peak_g)
        # The window must lie wholly after the onset, or a plate would be still because it has not moved yet.
        stands = active & still & (self._disturbed_blocks >= self._settle_blocks)
        cut = active & (self._disturbed_blocks >= self._give_up_blocks)
        self._still_blocks[active & ~stands & ~cut] = 0
        begins = (stands | cut) & (self._still_blocks == 0)
        self._settled_ns[begins] = stamp_ns + self._block_ns - self._settle_blocks * self._block_ns
        self._still_blocks[stands | cut] += 1
        held = self._still_blocks > self._hold_blocks - self._settle_blocks
        # A level that is neither the old one nor clearly a new one is not believed yet: a hand may be in.
        step = np.abs(window_mean - self.level_g)
        held &= (step > self._p.clear_sigmas * window_sd) | (step < np.maximum(self._p.onset_g, 2.5 * self.scatter_g))
        held &= ~self._pressed_beside(window_mean)
        changes = []
        for plate in np.flatnonzero(stands | cut):
            final = bool(cut[plate] or held[plate])
            changes.append(self._change(int(plate), window_mean, window_sd, final))
            if final:
                self._end(int(plate), window_mean)
        return changes

    def _pressed_beside(self, window_mean: FloatArray) -> BoolArray:
        """Return which plates may stand off their level only because a hand works beside them, (plates,).

        A plate that stood for ``beside_s`` is believed all the same, unless its step is so small that it is cross-talk.
        """
        step = np.abs(window_mean - self.level_g)
        push = np.where(self._beside & self.moving, self.peak_g, 0.0).max(axis=1, initial=0.0)
        rests = np.where(self._beside & self.standing, np.nan_to_num(step), 0.0).max(axis=1, initial=0.0)
        pressed = (step < self._p.beside_share * push) & (self._still_blocks <= self._beside_blocks)
        return np.asarray(pressed | (step < self._p.crosstalk_share * np.maximum(push, rests)))

    def _change(self, plate: int, window_mean: FloatArray, window_sd: FloatArray, final: bool) -> PlateChange:
        # The level before was an average over its time constant, or over what there was of it.
        averaged = min(self._quiet_for[plate], 2.0 / self._level_gain)
        step = float(window_mean[plate] - self.level_g[plate])
        sd = float(np.hypot(window_sd[plate], max(0.5, 1 / np.sqrt(averaged)) * self.scatter_g[plate]))
        begun = int(self.onset_ns[plate])
        settled = max(begun, int(self._settled_ns[plate]))
        onset, earliest, latest = (min(max(begun, moment), settled) for moment in self._moments(plate, step))
        return PlateChange(plate, begun, onset, (earliest, latest), settled, step, sd, True, bool(final))

    def _moments(self, plate: int, step_g: float) -> tuple[int, int, int]:
        """Return the stamp at which the touch that mattered began, and the first and last at which the load changed.

        The load changed at the split into old and new level with the least absolute misfit, or at one that is hardly
        worse; what a hand does beyond the size of the step counts no more than the step. The touch is what goes on
        before the best split without a quiet moment.
        """
        count = min(int(self._disturbed_blocks[plate]) + 1, len(self._history))
        off = _filled(self._history[-count:, plate] - self.level_g[plate])
        old = np.minimum(np.abs(off), abs(step_g))
        new = np.minimum(np.abs(off - step_g), abs(step_g))
        misfit = np.concatenate([[0.0], np.cumsum(old)]) + np.concatenate([np.cumsum(new[::-1])[::-1], [0.0]])
        change = int(np.argmin(misfit))
        near = np.flatnonzero(misfit <= misfit[change] + _HARDLY_WORSE * abs(step_g))
        limit = max(self._p.onset_sigmas * float(self.scatter_g[plate]), self._p.onset_g, 0.05 * abs(step_g))
        touched = [*np.flatnonzero(np.abs(off[:change]) > limit), change]
        onset = change
        for block in reversed(touched):
            if onset - block > self._quiet_blocks:
                break
            onset = int(block)
        first_ns = self._stamp_ns - (count - 1) * self._block_ns
        onset_ns, earliest_ns, latest_ns = (first_ns + int(b) * self._block_ns for b in (onset, near[0], near[-1]))
        return onset_ns, earliest_ns, latest_ns

    def _end(self, plate: int, window_mean: FloatArray) -> None:
        self.disturbed[plate] = False
        self.peak_g[plate] = 0.0
        self.level_g[plate] = window_mean[plate]
        self._still_blocks[plate] = 0
        self._quiet_for[plate] = self._settle_blocks


def _block_statistics(samples: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the mean of each column and its shaking from sample to sample, NaN where half of the column is missing."""
    if len(samples) == 1:
        # A single sample does not shake: the scatter of the blocks tells all.
        return samples[0].copy(), np.zeros(samples.shape[1])
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


def _filled(values: FloatArray) -> FloatArray:
    """Return (n,) values in which each missing one is the last that was seen before it, 0 when there was none."""
    seen = np.isfinite(values)
    last = np.maximum.accumulate(np.where(seen, np.arange(len(values)), -1))
    return np.where(last >= 0, values[last], 0.0)
