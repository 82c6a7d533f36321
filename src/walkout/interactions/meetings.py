"""Hands that meet: two shoppers who stand face to face and hold their hands together, where something may change hands.

No camera sees here what is given, so all that is told is who met and when. What may have gone over is weighed by
``joint`` with what both hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from walkout.perception.types import Keypoint
from walkout.store.model import Store
from walkout.tracking.types import Shoppers, ShopperState

FloatArray = NDArray[np.float64]
_WRISTS = [Keypoint.LEFT_WRIST, Keypoint.RIGHT_WRIST]
_SHOULDERS = [Keypoint.LEFT_SHOULDER, Keypoint.RIGHT_SHOULDER]


@dataclass(frozen=True)
class MeetingParameters:
    """When hands have met.

    Attributes:
        hands_m: wrists of two shoppers this close are together.
        raised: hands that meet are above this share of both statures (those that hang or carry something are lower).
        stretched_m: hands that meet are stretched out this far from their shoulders, level.
        still_m_s: bodies of those whose hands meet are slower than this.
        apart_m: bodies of those whose hands meet are no farther apart than this.
        bodies_m: and no nearer than this (that is one person seen twice, or two of which one is misplaced).
        shelf_m: hands this near to a shelf are there for its goods.
        least_s: hands must be together for so long to have met.
        gap_s: hands that come apart for longer than this have ended their meeting.
    """

    hands_m: float = 0.25
    raised: float = 0.55
    stretched_m: float = 0.15
    still_m_s: float = 0.5
    apart_m: float = 1.3
    bodies_m: float = 0.35
    shelf_m: float = 0.15
    least_s: float = 0.8
    gap_s: float = 1.5

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        for name, value in vars(self).items():
            if value <= 0:
                raise ValueError(f"{name} is {value}: must be positive")

    RANGES: ClassVar[Mapping[str, tuple[float, float]]] = {
        "hands_m": (0.01, 1),
        "raised": (0.01, 1),
        "stretched_m": (0.001, 1),
        "still_m_s": (0.01, 5),
        "apart_m": (0.1, 3),
        "bodies_m": (0.01, 1),
        "shelf_m": (0.001, 2),
        "least_s": (0.01, 10),
        "gap_s": (0.01, 30),
    }


@dataclass(frozen=True)
class HandsMet:
    """Two tracks whose hands met around ``stamp_ns`` for ``seconds`` in all."""

    stamp_ns: int
    first_id: int
    second_id: int
    seconds: float

    @property
    def tracks(self) -> tuple[int, int]:
        """Who it was."""
        return self.first_id, self.second_id

    def other(self, track_ids: frozenset[int]) -> int | None:
        """Return whom these tracks met, None when they were not in it or met each other."""
        others = [track for track in self.tracks if track not in track_ids]
        return others[0] if len(others) == 1 else None

    def renamed(self, former: int, heir: int) -> HandsMet:
        """Return the meeting after the track ``former`` has turned out to be the track ``heir``."""
        first, second = (heir if track == former else track for track in self.tracks)
        return HandsMet(self.stamp_ns, first, second, self.seconds)

    def to_document(self) -> dict[str, Any]:
        """Return the meeting as a plain document for the ledger."""
        return asdict(self)


@dataclass
class _Together:
    """Hands that are together: since when, until when, for how long in all."""

    first_ns: int
    last_ns: int
    seconds: float = 0.0


class HandWatch:
    """Watches everybody's hands for meetings."""

    def __init__(self, parameters: MeetingParameters, store: Store) -> None:
        """Watch the hands in ``store``."""
        self._p = parameters
        shelved = [fixture for fixture in store.fixtures if fixture.shelves]
        self._frames = [np.linalg.inv(fixture.pose.matrix) for fixture in shelved]
        self._halves = [np.array(fixture.size[:2]) / 2 + parameters.shelf_m for fixture in shelved]
        self._together: dict[tuple[int, int], _Together] = {}
        self._newest_ns: int | None = None

    def add(self, shoppers: Shoppers) -> list[HandsMet]:
        """Take everybody's hands at a stamp; return the meetings that are over. Older stamps are ignored."""
        now_ns, before_ns = shoppers.stamp_ns, self._newest_ns
        if before_ns is not None and now_ns <= before_ns:
            return []
        self._newest_ns = now_ns
        step_s = 0.0 if before_ns is None else min((now_ns - before_ns) * 1e-9, self._p.gap_s)
        able = [(state, hands) for state in shoppers.shoppers if len(hands := self._raised(state))]
        for (first, hands), (second, others) in combinations(able, 2):
            if self._touch(first, hands, second, others):
                pair = (min(first.track_id, second.track_id), max(first.track_id, second.track_id))
                entry = self._together.setdefault(pair, _Together(now_ns, now_ns))
                entry.last_ns = now_ns
                entry.seconds += step_s
        return self._over(now_ns)

    def _raised(self, state: ShopperState) -> FloatArray:
        """Return the known wrists (n, 3) that are raised and stretched out, of somebody who stands."""
        wrists, shoulders = state.keypoints[_WRISTS], state.keypoints[_SHOULDERS]
        if np.hypot(*state.mean[2:4]) > self._p.still_m_s:
            return wrists[:0]
        # Where the shoulders are not known they are somewhere above the feet.
        level = np.where(np.isfinite(shoulders[:, :2]), shoulders[:, :2], state.mean[:2])
        stretched = np.hypot(*(wrists[:, :2] - level).T) > self._p.stretched_m
        return np.asarray(wrists[stretched & (wrists[:, 2] > self._p.raised * state.mean[4])])

    def _touch(self, first: ShopperState, hands: FloatArray, second: ShopperState, others: FloatArray) -> bool:
        if not self._p.bodies_m < np.hypot(*(first.mean[:2] - second.mean[:2])) < self._p.apart_m:
            return False
        gaps = np.linalg.norm(hands[:, None] - others[None], axis=2)
        mine, theirs = np.unravel_index(int(np.argmin(gaps)), gaps.shape)
        return bool(gaps[mine, theirs] < self._p.hands_m) and not self._at_shelf((hands[mine] + others[theirs]) / 2)

    def _at_shelf(self, place: FloatArray) -> bool:
        local = [(frame @ np.array([*place, 1.0]))[:2] for frame in self._frames]
        return any(bool((np.abs(point) < half).all()) for point, half in zip(local, self._halves, strict=True))

    def _over(self, now_ns: int) -> list[HandsMet]:
        over = []
        for pair, entry in sorted(self._together.items()):
            if (now_ns - entry.last_ns) * 1e-9 > self._p.gap_s:
                del self._together[pair]
                if entry.seconds >= self._p.least_s:
                    over.append(HandsMet((entry.first_ns + entry.last_ns) // 2, *pair, entry.seconds))
        return over
