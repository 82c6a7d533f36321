"""Weight events of one fixture: settled steps of its plates, cleaned of cross-talk and merged where one item spans two.

Feed batches of readings in any rhythm; events come out as soon as a level stands still (provisional) and once more when
it has held (final, same id). The clock is the readings' own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from walkout.drivers.types import ReadingBatch
from walkout.interactions.liveness import Liveness
from walkout.interactions.plate_tracker import PlateChange, PlateTracker, PlateTrackerParameters
from walkout.interactions.types import WeightEvent
from walkout.store.model import Fixture

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
_REMEMBER_NS = 15_000_000_000
_HEALTH_S = 1.0
# A neighbour's cross-talk can be felt a little before and after its own disturbance.
_LATE_NS = 500_000_000
# Boards and cells creep for some seconds after a big step.
_CREEP_NS = 5_000_000_000
# The moments at which an item leaves two plates are known this well.
_MOMENT_NS = 100_000_000


@dataclass(frozen=True)
class ShelfMonitorParameters:
    """How steps of plates become events.

    Attributes:
        tracker: how the level of a plate is followed.
        step_g: smaller steps are no event.
        step_sigmas: nor are steps of fewer standard deviations.
        crosstalk: share of a neighbour's step that a plate feels on average.
        crosstalk_sd: how much that share varies from plate to plate.
        creep: share of a step by which the plate still creeps in the seconds after it (standard deviation).
        crosstalk_reach: how many lanes away it is felt.
        merge_s: plates beside each other that change within this time of each other are one event.
        patience_s: a plate that may have changed with one beside it is not waited for any longer than this.
        gap_s: readings missing for longer than this reset the levels.
        noisy_g: a plate with more noise than this per sample is reported as noisy.
        drift_g_per_minute: and one whose quiet level moves faster as drifting.
        constant_s: a plate that is silent, or shows one value more often than is possible, for this long is dead.
    """

    tracker: PlateTrackerParameters = field(default_factory=PlateTrackerParameters)
    step_g: float = 5.0
    step_sigmas: float = 4.5
    crosstalk: float = 0.018
    crosstalk_sd: float = 0.008
    creep: float = 0.004
    crosstalk_reach: int = 2
    merge_s: float = 0.3
    patience_s: float = 3.0
    gap_s: float = 2.0
    noisy_g: float = 5.0
    drift_g_per_minute: float = 20.0
    constant_s: float = 3.0

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        for name in (
            "step_g",
            "step_sigmas",
            "crosstalk_sd",
            "merge_s",
            "patience_s",
            "gap_s",
            "noisy_g",
            "constant_s",
        ):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)}: must be positive")
        if not 0 <= self.crosstalk < 0.5:
            raise ValueError(f"crosstalk is {self.crosstalk}: must be in [0, 0.5)")

    RANGES: ClassVar[Mapping[str, tuple[float, float]]] = {
        "step_g": (0.1, 1000),
        "step_sigmas": (0.5, 50),
        "crosstalk": (0, 0.499),
        "crosstalk_sd": (0.0001, 0.5),
        "creep": (0, 0.2),
        "crosstalk_reach": (0, 20),
        "merge_s": (0.01, 10),
        "patience_s": (0.1, 60),
        "gap_s": (0.1, 60),
        "noisy_g": (0.1, 1000),
        "drift_g_per_minute": (0.1, 1e4),
        "constant_s": (0.1, 600),
    }


class PlateCondition(IntEnum):
    """What is wrong with a load cell."""

    UNKNOWN = 0
    GOOD = 1
    NOISY = 2
    DRIFTING = 3
    DEAD = 4


@dataclass(frozen=True)
class PlateHealth:
    """The state of one load cell: ``noise_g`` per sample, ``drift_g_per_minute`` of the quiet level."""

    lane_id: str
    condition: PlateCondition
    noise_g: float
    drift_g_per_minute: float


_Key = tuple[int, int]


@dataclass
class _Open:
    """A plate's change that has not been closed. ``event_id`` is set once it was announced."""

    change: PlateChange
    event_id: str = ""

    @property
    def key(self) -> _Key:
        return self.change.plate, self.change.begun_ns


class ShelfMonitor:
    """Turns the readings of one fixture into weight events."""

    def __init__(self, parameters: ShelfMonitorParameters, fixture: Fixture) -> None:
        """Watch ``fixture``; the columns of its readings are its lanes in plate order."""
        self._p = parameters
        self._fixture = fixture
        self._lanes = fixture.lanes
        self._neighbours = _neighbours(fixture, parameters.crosstalk_reach)
        self._tracker: PlateTracker | None = None
        self._pending: FloatArray = np.empty((0, len(self._lanes)))
        self._pending_ns = 0
        self._next_ns: int | None = None
        self._period_ns = 0
        self._open: dict[_Key, _Open] = {}
        self._closed: deque[PlateChange] = deque()
        self._health = _HealthState(len(self._lanes))
        self._dead_s: FloatArray = np.zeros(len(self._lanes))
        self._liveness = Liveness(len(self._lanes))

    @property
    def quiet(self) -> bool:
        """Whether no plate is disturbed and no event waits to become final."""
        return not self._open and (self._tracker is None or not bool(self._tracker.disturbed.any()))

    def add(self, batch: ReadingBatch) -> list[WeightEvent]:
        """Take the next batch and return new, changed and final events, oldest first.

        A batch that was seen already (same or older stamp) is ignored. Raises ValueError when the batch does not fit
        the fixture.
        """
        self._check(batch)
        if self._next_ns is not None and batch.stamp_ns < self._next_ns - batch.period_ns // 2:
            return []
        gap_ns = 0 if self._next_ns is None else batch.stamp_ns - self._next_ns
        if self._tracker is None or batch.period_ns != self._period_ns or gap_ns > self._p.gap_s * 1e9:
            self._restart(batch.period_ns)
        grams = batch.grams.astype(np.float64)
        self._health.update(grams, self._tracker_state(), batch.period_ns)
        if len(self._pending) == 0:
            self._pending_ns = batch.stamp_ns
        self._pending = np.concatenate([self._pending, grams])
        self._next_ns = batch.stamp_ns + len(grams) * batch.period_ns
        return self._consume_blocks()

    @property
    def dead_lanes(self) -> tuple[str, ...]:
        """The lanes whose cells say nothing, or the same for ever, since ``constant_s``, in plate order."""
        return tuple(self._lanes[plate].lane_id for plate in np.flatnonzero(self._dead_s >= self._p.constant_s))

    def health(self) -> tuple[PlateHealth, ...]:
        """Return the state of every load cell in plate order."""
        state = self._health
        result = []
        for index, lane in enumerate(self._lanes):
            condition = PlateCondition.GOOD
            if self._dead_s[index] >= self._p.constant_s:
                condition = PlateCondition.DEAD
            elif state.noise_g[index] > self._p.noisy_g:
                condition = PlateCondition.NOISY
            elif abs(state.drift[index]) > self._p.drift_g_per_minute:
                condition = PlateCondition.DRIFTING
            result.append(PlateHealth(lane.lane_id, condition, float(state.noise_g[index]), float(state.drift[index])))
        return tuple(result)

    def _check(self, batch: ReadingBatch) -> None:
        if batch.fixture_id != self._fixture.fixture_id:
            raise ValueError(f"readings of {batch.fixture_id} were given to the monitor of {self._fixture.fixture_id}")
        if batch.grams.ndim != 2 or batch.grams.shape[1] != len(self._lanes):
            raise ValueError(
                f"readings of fixture {batch.fixture_id} have shape {batch.grams.shape}, "
                f"but it has {len(self._lanes)} plates: check the driver's channel map"
            )
        if batch.period_ns <= 0:
            raise ValueError(f"readings of fixture {batch.fixture_id} have period {batch.period_ns} ns")

    def _tracker_state(self) -> PlateTracker:
        if self._tracker is None:
            raise RuntimeError("the tracker starts with the first batch")
        return self._tracker

    def _restart(self, period_ns: int) -> None:
        beside = np.zeros((len(self._lanes), len(self._lanes)), bool)
        for plate, neighbours in enumerate(self._neighbours):
            beside[plate, [other for other in neighbours if abs(other - plate) == 1]] = True
        self._tracker = PlateTracker(self._p.tracker, len(self._lanes), period_ns, beside)
        self._period_ns = period_ns
        self._pending = self._pending[:0]
        self._open.clear()
        self._closed.clear()

    def _consume_blocks(self) -> list[WeightEvent]:
        tracker = self._tracker_state()
        size = tracker.block_samples
        events: list[WeightEvent] = []
        while len(self._pending) >= size:
            block, self._pending = self._pending[:size], self._pending[size:]
            stuck = self._liveness.stuck(block)
            # Who has never shown two values may be as dead as who shows one for too long.
            gone = stuck | ~np.isfinite(block).any(axis=0) | (self._liveness.resolution_g == 0)
            self._dead_s = np.where(gone, self._dead_s + size * self._period_ns * 1e-9, 0.0)
            if stuck.any():
                # The last value of a dead converter is no weight. The plate keeps its level until it lives again.
                block = np.where(stuck, np.nan, block)
                events += self._abandon(stuck & tracker.disturbed, tracker)
            for change in tracker.add_block(self._pending_ns, block):
                known = self._open.get((change.plate, change.begun_ns))
                self._open[change.plate, change.begun_ns] = _Open(change, known.event_id if known else "")
            self._pending_ns += size * self._period_ns
            if self._open:
                events += self._resolve(tracker)
        return events

    def _abandon(self, plates: BoolArray, tracker: PlateTracker) -> list[WeightEvent]:
        """Drop what dead plates began; take back what was announced of it."""
        events = []
        for key in [key for key, entry in self._open.items() if plates[key[0]] and not entry.change.final]:
            entry = self._open.pop(key)
            shared = any(other.event_id == entry.event_id for other in self._open.values())
            if entry.event_id and not shared:
                events.append(self._event([entry], entry.event_id, provisional=False, nothing=True))
        tracker.abandon(plates)
        return events

    def _resolve(self, tracker: PlateTracker) -> list[WeightEvent]:
        """Announce what stands still, and close what is final and no longer waits for a neighbour."""
        events = []
        for key in sorted(self._open, key=lambda k: -abs(self._open[k].change.step_g)):
            if key not in self._open or self._stale(self._open[key], tracker):
                continue
            group = self._group(self._open[key])
            if not any(self._waits(member.change, tracker) for member in group):
                events += self._emit(group)
        oldest_ns = self._pending_ns - _REMEMBER_NS
        while self._closed and self._closed[0].end_ns < oldest_ns:
            self._closed.popleft()
        return sorted(events, key=lambda event: (event.onset_ns, event.event_id))

    def _stale(self, entry: _Open, tracker: PlateTracker) -> bool:
        """Whether the plate moves again, so that what was known of its unfinished change no longer holds."""
        return not entry.change.final and not bool(tracker.standing[entry.change.plate])

    def _waits(self, change: PlateChange, tracker: PlateTracker) -> bool:
        """Whether a neighbour still moves that may explain this change as cross-talk, or be one event with it."""
        limit = self._p.crosstalk + 3 * self._p.crosstalk_sd
        merge_ns = int(self._p.merge_s * 1e9)
        patient = self._pending_ns - change.end_ns < int(self._p.patience_s * 1e9)
        for neighbour in self._neighbours[change.plate]:
            if not tracker.moving[neighbour]:
                continue
            peak = float(tracker.peak_g[neighbour])
            if abs(change.step_g) < limit * peak:
                return True
            began = int(tracker.onset_ns[neighbour]) <= change.changed_ns[1] + merge_ns
            beside = abs(neighbour - change.plate) == 1
            if patient and beside and began and peak > self._p.step_g:
                return True
        return False

    def _group(self, first: _Open) -> list[_Open]:
        """Return the change and the ones beside it at the same time in the same direction, in lane order."""
        group, change = [first], first.change
        if not self._significant(change):
            return group
        for other in self._open.values():
            near = other.change.plate in self._neighbours[change.plate]
            beside = near and abs(other.change.plate - change.plate) == 1
            together = self._together(change, other.change) and other.change.step_g * change.step_g > 0
            if beside and together and self._significant(other.change):
                group.append(other)
        return sorted(group, key=lambda member: member.change.plate)

    def _together(self, change: PlateChange, other: PlateChange) -> bool:
        """Whether two plates changed at one moment, or began and settled together: an item lay on both."""
        merge_ns = int(self._p.merge_s * 1e9)
        overlap = other.onset_ns <= change.end_ns + merge_ns and change.onset_ns <= other.end_ns + merge_ns
        alike = abs(other.onset_ns - change.onset_ns) <= merge_ns and abs(other.end_ns - change.end_ns) <= merge_ns
        latest_first = max(other.changed_ns[0], change.changed_ns[0])
        return overlap and (alike or latest_first <= min(other.changed_ns[1], change.changed_ns[1]) + _MOMENT_NS)

    def _significant(self, change: PlateChange) -> bool:
        """Whether a step is more than noise and more than what the neighbours' steps explain."""
        expected, variance = 0.0, change.sd_g**2
        for other in [*(entry.change for entry in self._open.values()), *self._closed]:
            near = other.plate in self._neighbours[change.plate]
            overlaps = other.begun_ns <= change.end_ns + _LATE_NS and change.begun_ns <= other.end_ns + _LATE_NS
            if near and overlaps and abs(other.step_g) > 5 * abs(change.step_g):
                expected += self._p.crosstalk * other.step_g
                variance += (self._p.crosstalk_sd * other.step_g) ** 2
            elif other.plate == change.plate and 0 <= change.begun_ns - other.end_ns < _CREEP_NS:
                variance += (self._p.creep * other.step_g) ** 2
        rest = abs(change.step_g - expected)
        # Drift across a step of a coarse converter is no event either.
        least = max(self._p.step_g, 1.5 * float(self._liveness.resolution_g[change.plate]))
        return rest > least and rest > self._p.step_sigmas * float(np.sqrt(variance))

    def _emit(self, group: list[_Open]) -> list[WeightEvent]:
        final = all(member.change.final for member in group)
        significant = [member for member in group if self._significant(member.change)]
        known = max(group, key=lambda member: abs(member.change.step_g)).event_id
        known = known or next((member.event_id for member in group if member.event_id), "")
        events = []
        if significant and (final or not known or any(member.event_id != known for member in group)):
            # What was announced of the other plates by itself has become part of this event.
            parts = {member.event_id: member for member in group if member.event_id not in ("", known)}
            events += [self._event([part], name, provisional=False, nothing=True) for name, part in parts.items()]
            events.append(self._event(significant, known, provisional=not final))
            for member in group:
                member.event_id = events[-1].event_id
        elif final and known:
            # What was announced has come to nothing: say so, or the cart would keep it.
            events.append(self._event(group, known, provisional=False, nothing=True))
        if final:
            for member in group:
                self._closed.append(member.change)
                del self._open[member.key]
        return events

    def _event(self, members: list[_Open], known: str, provisional: bool, nothing: bool = False) -> WeightEvent:
        changes = [member.change for member in members]
        main = max(changes, key=lambda change: abs(change.step_g))
        whole = sum(change.step_g for change in changes)
        # Plates that moved together feel each other's cross-talk, which would count twice in the sum.
        deltas = tuple(0.0 if nothing else c.step_g - self._p.crosstalk * (whole - c.step_g) for c in changes)
        return WeightEvent(
            event_id=known or f"{self._lanes[main.plate].lane_id}@{main.onset_ns // 1_000_000}",
            fixture_id=self._fixture.fixture_id,
            lane_ids=tuple(self._lanes[change.plate].lane_id for change in changes),
            lane_deltas_g=deltas,
            onset_ns=min(change.onset_ns for change in changes),
            end_ns=max(change.end_ns for change in changes),
            delta_g=sum(deltas),
            sd_g=float(np.sqrt(sum(change.sd_g**2 for change in changes))),
            provisional=provisional,
        )


class _HealthState:
    """Slow figures about the cells: silence, noise, drift."""

    def __init__(self, plates: int) -> None:
        self.noise_g: FloatArray = np.zeros(plates)
        self.drift: FloatArray = np.zeros(plates)
        self._last_level: FloatArray = np.full(plates, np.nan)
        self._since_s = 0.0
        self._unseen_s = 0.0

    def update(self, grams: FloatArray, tracker: PlateTracker, period_ns: int) -> None:
        self._unseen_s += len(grams) * period_ns * 1e-9
        if self._unseen_s < _HEALTH_S:
            return
        seconds, self._unseen_s = self._unseen_s, 0.0
        low, high = np.fmin.reduce(grams, axis=0), np.fmax.reduce(grams, axis=0)
        silent = ~(high - low > 1e-9)
        quiet = ~tracker.disturbed & ~silent
        if len(grams) > 1:
            noise = np.abs(np.diff(grams, axis=0)).mean(axis=0) / 1.128
            gain = min(1.0, seconds / 5.0)
            change = np.where(quiet & np.isfinite(noise), noise - self.noise_g, 0.0)
            self.noise_g = np.where(self.noise_g == 0, np.nan_to_num(noise), self.noise_g + gain * change)
        self._follow_drift(tracker, seconds)

    def _follow_drift(self, tracker: PlateTracker, seconds: float) -> None:
        self._since_s += seconds
        if self._since_s < 5.0:
            return
        known = np.isfinite(self._last_level) & np.isfinite(tracker.level_g) & ~tracker.disturbed
        move = np.where(known, tracker.level_g - self._last_level, 0.0)
        # A step of an item is no drift: only small moves between two looks count.
        per_minute = np.where(np.abs(move) < 5.0, move * 60.0 / self._since_s, 0.0)
        self.drift += 0.2 * (per_minute - self.drift)
        self._last_level = tracker.level_g.copy()
        self._since_s = 0.0


def _neighbours(fixture: Fixture, reach: int) -> list[tuple[int, ...]]:
    """Return for every plate the plates of the same shelf within ``reach`` lanes."""
    result: list[tuple[int, ...]] = []
    start = 0
    for shelf in fixture.shelves:
        count = len(shelf.lanes)
        for index in range(count):
            near = range(max(0, index - reach), min(count, index + reach + 1))
            result.append(tuple(start + other for other in near if other != index))
        start += count
    return result
