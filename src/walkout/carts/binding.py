"""Which track walked through a gate: floor positions around the time of the passage."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from walkout.store.model import Fixture, Store
from walkout.tracking.types import Shoppers, TrackState


@dataclass(frozen=True)
class BindingParameters:
    """How tracks are tied to passages.

    Attributes:
        radius_m: nobody farther than this from the gate is taken for the one who walked through.
        span_s: positions within this time of the passage count,
        lateness_m_per_s: each second off costs as much as so many metres.
        not_from_entry_m: and so does a track that did not begin at an entry.
        settle_s: positions must be known this long after the passage before it is decided,
        patience_s: and after this long whoever is nearest by then is taken.
        keep_s: positions are kept this long.
    """

    radius_m: float = 1.8
    span_s: float = 1.5
    lateness_m_per_s: float = 0.5
    not_from_entry_m: float = 0.5
    settle_s: float = 1.0
    patience_s: float = 8.0
    keep_s: float = 30.0

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        for name, value in vars(self).items():
            if value <= 0:
                raise ValueError(f"{name} is {value}: must be positive")

    RANGES: ClassVar[Mapping[str, tuple[float, float]]] = {
        "radius_m": (0.1, 10),
        "span_s": (0.1, 30),
        "lateness_m_per_s": (0.01, 10),
        "not_from_entry_m": (0.01, 10),
        "settle_s": (0.05, 30),
        "patience_s": (0.1, 120),
        "keep_s": (1, 600),
    }


@dataclass(frozen=True)
class _Place:
    stamp_ns: int
    x: float
    y: float


class PositionHistory:
    """Where every track was in the last half minute, and who cannot be anybody but whom."""

    def __init__(self, parameters: BindingParameters) -> None:
        """Start empty."""
        self._p = parameters
        self._places: dict[int, deque[_Place]] = {}
        self._from_entry: set[int] = set()
        self._aliases: dict[int, tuple[tuple[int, float], ...]] = {}
        self.newest_ns = -1

    def add(self, shoppers: Shoppers) -> None:
        """Remember the positions at one stamp."""
        if shoppers.stamp_ns <= self.newest_ns:
            return
        self.newest_ns = shoppers.stamp_ns
        for state in shoppers.shoppers:
            if state.state in (TrackState.LOST, TrackState.CLOSED):
                continue
            place = _Place(shoppers.stamp_ns, float(state.mean[0]), float(state.mean[1]))
            self._places.setdefault(state.track_id, deque()).append(place)
            if state.from_entry:
                self._from_entry.add(state.track_id)
            self._aliases[state.track_id] = tuple(zip(state.candidate_ids, state.candidate_probabilities, strict=True))
        oldest_ns = self.newest_ns - int(self._p.keep_s * 1e9)
        for track_id in list(self._places):
            places = self._places[track_id]
            while places and places[0].stamp_ns < oldest_ns:
                places.popleft()
            if not places:
                del self._places[track_id]
                self._from_entry.discard(track_id)
                self._aliases.pop(track_id, None)

    def decided(self, stamp_ns: int, now_ns: int) -> bool:
        """Whether positions are known long enough after a passage."""
        known = self.newest_ns >= stamp_ns + int(self._p.settle_s * 1e9)
        return known or now_ns >= stamp_ns + int(self._p.patience_s * 1e9)

    def given_up(self, stamp_ns: int, now_ns: int) -> bool:
        """Whether it is too late to find out who walked through."""
        return now_ns >= stamp_ns + int(self._p.patience_s * 1e9)

    def nearest(self, gate: Fixture, stamp_ns: int, tracks: Collection[int], entering: bool) -> int | None:
        """Return which of ``tracks`` walked through the gate at ``stamp_ns``, None when nobody was near."""
        best, best_cost = None, self._p.radius_m
        for track_id in sorted(tracks):
            cost = self._cost(gate, stamp_ns, track_id)
            if entering and track_id not in self._from_entry:
                cost += self._p.not_from_entry_m
            if cost < best_cost:
                best, best_cost = track_id, cost
        return best

    def tracks(self) -> set[int]:
        """Return the tracks that were seen lately."""
        return set(self._places)

    def from_entry(self, tracks: Collection[int]) -> list[int]:
        """Return those of ``tracks`` that began at an entry."""
        return sorted(set(tracks) & self._from_entry)

    def seen_after(self, track_id: int, stamp_ns: int) -> bool:
        """Whether a track was seen after a time."""
        seen = self.last_seen(track_id)
        return seen is not None and seen[0] > stamp_ns

    def identities(self, track_id: int) -> tuple[tuple[int, float], ...]:
        """Return whom a track may be, with probabilities, as the tracker said last."""
        return self._aliases.get(track_id, ()) or ((track_id, 1.0),)

    def last_seen(self, track_id: int) -> tuple[int, float, float] | None:
        """Return the stamp, x and y of the latest position of a track, None when it was not seen lately."""
        places = self._places.get(track_id)
        return None if not places else (places[-1].stamp_ns, places[-1].x, places[-1].y)

    def _cost(self, gate: Fixture, stamp_ns: int, track_id: int) -> float:
        span_ns = self._p.span_s * 1e9
        costs = [
            float(np.hypot(place.x - gate.pose.x, place.y - gate.pose.y))
            + self._p.lateness_m_per_s * abs(place.stamp_ns - stamp_ns) * 1e-9
            for place in self._places.get(track_id, ())
            if abs(place.stamp_ns - stamp_ns) <= span_ns
        ]
        return min(costs, default=float("inf"))


def near_exit(store: Store, x: float, y: float, radius_m: float) -> bool:
    """Whether a place on the floor is near an exit gate."""
    exits = [f for f in store.fixtures if f.direction is not None and f.direction.value == "exit"]
    return any(np.hypot(x - gate.pose.x, y - gate.pose.y) < radius_m for gate in exits)
