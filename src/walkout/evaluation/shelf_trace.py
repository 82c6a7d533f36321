"""A plain recording of load cells, turned into batches and read by the store's own shelf monitor."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from walkout.drivers.types import ReadingBatch
from walkout.interactions.shelf_monitor import ShelfMonitor, ShelfMonitorParameters
from walkout.interactions.types import WeightEvent
from walkout.store.model import Fixture, FixtureType, Lane, Pose2, Shelf

FloatArray = NDArray[np.float64]

_FIXTURE = "trace"
_BATCH_S = 0.2
# Values between two readings this far apart are drawn between them; across longer silence nothing is known.
_BRIDGE_S = 0.25
_BRIDGE_PERIODS = 2.5
# Rows missing for longer than this are as if the recording began anew.
_LONGEST_SILENCE_S = 30.0


@dataclass(frozen=True)
class ShelfTrace:
    """A recording: ``time_s`` (n,) rising seconds, ``grams`` (n, plates) with NaN for no value, a name per plate."""

    names: tuple[str, ...]
    time_s: FloatArray
    grams: FloatArray


@dataclass(frozen=True)
class TraceEvent:
    """A final event: names of the plates, seconds on the recording's clock, grams."""

    plates: tuple[str, ...]
    onset_s: float
    end_s: float
    delta_g: float
    sd_g: float


def find_events(
    trace: ShelfTrace,
    parameters: ShelfMonitorParameters | None = None,
    progress: Callable[[float], None] | None = None,
) -> list[TraceEvent]:
    """Return the final events of a trace, by onset. ``progress`` is told the share that is done."""
    monitor = ShelfMonitor(parameters or ShelfMonitorParameters(), _fixture(trace.names))
    origin_s, batches = trace.time_s[0], list(_batches(trace))
    finals: list[WeightEvent] = []
    for number, batch in enumerate(batches):
        finals += [event for event in monitor.add(batch) if not event.provisional and event.delta_g != 0]
        if progress:
            progress((number + 1) / len(batches))
    events = [
        TraceEvent(e.lane_ids, origin_s + e.onset_ns * 1e-9, origin_s + e.end_ns * 1e-9, e.delta_g, e.sd_g)
        for e in finals
    ]
    return sorted(events, key=lambda event: (event.onset_s, event.plates))


def spread_equal_stamps(time_s: FloatArray) -> FloatArray:
    """Return strictly rising stamps: readings that came with one stamp per batch share the time until the next."""
    starts = np.flatnonzero(np.r_[True, np.diff(time_s) > 0])
    if len(starts) == len(time_s) or len(starts) < 2:
        return time_s
    counts = np.diff(np.r_[starts, len(time_s)])
    steps = np.diff(time_s[starts])
    steps = np.r_[steps, np.median(steps)]
    within = np.arange(len(time_s)) - np.repeat(starts, counts)
    return np.asarray(np.repeat(time_s[starts], counts) + within * np.repeat(steps / counts, counts))


def _batches(trace: ShelfTrace) -> Iterator[ReadingBatch]:
    """Yield the trace at an even rate, in batches as a driver gives them."""
    period_s = float(np.median(np.diff(trace.time_s)))
    size = max(1, round(_BATCH_S / period_s))
    breaks = np.flatnonzero(np.diff(trace.time_s) > _LONGEST_SILENCE_S) + 1
    for part in np.split(np.arange(len(trace.time_s)), breaks):
        if len(part) < 2:
            continue
        time_s = trace.time_s[part]
        even_s = np.arange(time_s[0], time_s[-1] + 0.5 * period_s, period_s)
        grams = np.column_stack([_resample(even_s, time_s, column, period_s) for column in trace.grams[part].T])
        for start in range(0, len(grams), size):
            stamp_ns = round((even_s[start] - trace.time_s[0]) * 1e9)
            rows = grams[start : start + size].astype(np.float32)
            yield ReadingBatch(_FIXTURE, stamp_ns, round(period_s * 1e9), rows)


def _resample(even_s: FloatArray, time_s: FloatArray, grams: FloatArray, period_s: float) -> FloatArray:
    """Return the values at even times: drawn between neighbours in time, NaN inside longer silence."""
    good = np.isfinite(grams)
    if not good.any():
        return np.full(len(even_s), np.nan)
    time_s, grams = time_s[good], grams[good]
    after = np.clip(np.searchsorted(time_s, even_s), 0, len(time_s) - 1)
    before = np.clip(after - 1, 0, None)
    exact = np.abs(time_s[after] - even_s) <= 0.5 * period_s
    exact_before = np.abs(time_s[before] - even_s) <= 0.5 * period_s
    bridged = time_s[after] - time_s[before] <= max(_BRIDGE_S, _BRIDGE_PERIODS * period_s)
    inside = (even_s >= time_s[0]) & (even_s <= time_s[-1])
    values = np.interp(even_s, time_s, grams)
    values = np.where(exact & ~bridged, grams[after], np.where(exact_before & ~bridged, grams[before], values))
    return np.asarray(np.where(exact | exact_before | (bridged & inside), values, np.nan))


def _fixture(names: tuple[str, ...]) -> Fixture:
    """Return a fixture with a lane per plate; plates whose names differ in the last number alone share a shelf."""
    shelves = []
    for index, (_, members) in enumerate(groupby(names, key=_shelf_name)):
        lanes = tuple(Lane(name, number, 0.1 * number, 0.1, 0.4) for number, name in enumerate(members))
        shelves.append(Shelf(index, 0.0, 0.3 * index, 0.1 * len(lanes), 0.4, 0.3, lanes))
    return Fixture(_FIXTURE, FixtureType.GONDOLA, Pose2(0, 0), (0.5, 1.0, 2.0), tuple(shelves))


def _shelf_name(plate: str) -> str:
    match = re.fullmatch(r"(.*?)\d+\D*", plate)
    return match.group(1) if match else ""
