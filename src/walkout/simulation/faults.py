"""Faulty sensors: what of a simulated store's measurements arrives, when, and with what values.

Faults change measurements only; the world and its truth know nothing of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from walkout.drivers.types import Frame, GateSignal, ReadingBatch
from walkout.simulation.scenario_model import Fault, FaultKind
from walkout.store.model import Store

Measured = TypeVar("Measured", Frame, ReadingBatch, GateSignal)


class SensorFaults:
    """Applies a scenario's faults. Stamps are those of the world, before any epoch is added."""

    def __init__(self, store: Store, faults: Iterable[Fault]) -> None:
        """Sort the faults by the device that has them; ``store`` names the plates' places."""
        self._lost: dict[str, list[Fault]] = {}
        self._skews: dict[str, list[Fault]] = {}
        self._plates: dict[str, list[tuple[Fault, list[int]]]] = {}
        for fault in faults:
            if fault.kind is FaultKind.CAMERA_LOST:
                self._lost.setdefault(fault.device_id, []).append(fault)
            elif fault.kind is FaultKind.CLOCK_SKEW:
                self._skews.setdefault(fault.device_id, []).append(fault)
            else:
                fixture_id, columns = _plates(store, fault.device_id)
                self._plates.setdefault(fixture_id, []).append((fault, columns))
        self._stuck: dict[Fault, NDArray[np.float32]] = {}

    def lost(self, camera_id: str, stamp_ns: int) -> bool:
        """Whether a camera gives no frames at a time."""
        return any(_active(fault, stamp_ns) for fault in self._lost.get(camera_id, ()))

    def skewed(self, measurement: Measured, device_id: str) -> Measured:
        """Return a measurement with the stamp that its device's clock gives it."""
        shift_s = sum(f.amount for f in self._skews.get(device_id, ()) if _active(f, measurement.stamp_ns))
        return replace(measurement, stamp_ns=measurement.stamp_ns + round(shift_s * 1e9)) if shift_s else measurement

    def readings(self, batch: ReadingBatch) -> ReadingBatch:
        """Return a batch as faulty plates give it."""
        faults = self._plates.get(batch.fixture_id)
        if not faults:
            return batch
        grams = batch.grams.copy()
        times_s = (batch.stamp_ns + np.arange(len(grams)) * batch.period_ns) * 1e-9
        for fault, columns in faults:
            rows = np.flatnonzero((times_s >= fault.from_s) & (times_s < fault.to_s))
            if not len(rows):
                continue
            place = np.ix_(rows, np.array(columns))
            if fault.kind is FaultKind.DRIFT:
                grams[place] += (fault.amount / 60.0 * (times_s[rows] - fault.from_s))[:, None].astype(np.float32)
            elif fault.reading == "stuck":
                grams[place] = self._stuck.setdefault(fault, grams[rows[0], columns].copy())
            else:
                grams[place] = 0.0 if fault.reading == "zero" else np.nan
        return replace(batch, grams=grams)


def _active(fault: Fault, stamp_ns: int) -> bool:
    return fault.from_s <= stamp_ns * 1e-9 < fault.to_s


def _plates(store: Store, device_id: str) -> tuple[str, list[int]]:
    """Return the fixture and the columns of a lane's plate, or of all plates of a fixture."""
    if device_id in store.fixture_by_id:
        return device_id, list(range(len(store.fixture_by_id[device_id].lanes)))
    fixture = store.lane_sites[device_id].fixture
    return fixture.fixture_id, [[lane.lane_id for lane in fixture.lanes].index(device_id)]
