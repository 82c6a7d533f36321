"""Reaches into lanes whose load cell is dead: what is taken there is not felt, so the hands alone must tell.

A reach is an episode of a hand inside a fixture's front. It is put down to the dead lane when its place fits that lane
well among all lanes of the fixture and no change of weight in another lane explains it. What comes of it is an event of
unknown weight: a question for the attribution, which leaves it in doubt, so that a person looks instead of nobody.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from walkout.interactions.likelihoods import ReachParameters, hand_log_ratio
from walkout.interactions.shopper_history import hands_of
from walkout.interactions.types import WeightEvent
from walkout.store.model import LaneSite, Store
from walkout.tracking.types import Shoppers

FloatArray = NDArray[np.float64]

_KEEP_NS = 60_000_000_000
_ONE_REACH_NS = 1_000_000_000
"""Both hands of one shopper in a lane at one moment are one reach."""


@dataclass(frozen=True)
class UnweighedParameters:
    """When a reach into a lane without a working load cell is reported.

    Attributes:
        least_s: a hand must be inside for so long.
        gap_s: a hand that is outside for longer than this has ended its reach.
        share: how well the dead lane must explain the hand's place among all lanes of the fixture.
        felt_share: a change of weight in a lane that explains the place at least so well explains the reach.
        felt_s: its touch is felt this long before or after the reach at most,
        wait_s: and the change is known so long after the reach at the latest.
    """

    least_s: float = 0.3
    gap_s: float = 0.5
    share: float = 0.2
    felt_share: float = 0.04
    felt_s: float = 0.7
    wait_s: float = 3.0

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        for name, value in vars(self).items():
            if value <= 0:
                raise ValueError(f"{name} is {value}: must be positive")
        if self.share > 1:
            raise ValueError(f"share is {self.share}: must be at most 1")

    RANGES: ClassVar[Mapping[str, tuple[float, float]]] = {
        "least_s": (0.01, 10),
        "gap_s": (0.01, 10),
        "share": (0.01, 1),
        "felt_share": (0.001, 1),
        "felt_s": (0.01, 10),
        "wait_s": (0.1, 60),
    }


@dataclass
class _Reach:
    """A hand inside a fixture: when, and the log ratios of all its lanes, summed over ``samples``."""

    track_id: int
    fixture_id: str
    first_ns: int
    last_ns: int
    ratios: FloatArray
    samples: int = 0

    def shares(self) -> FloatArray:
        """Return how well each lane (lanes,) explains the hand's mean place; they sum to 1."""
        mean = self.ratios / self.samples
        odds = np.exp(mean - mean.max())
        return np.asarray(odds / odds.sum())


@dataclass
class _Fixture:
    sites: list[LaneSite]
    lane_ids: list[str]
    dead: set[str] = field(default_factory=set)


class UnweighedReaches:
    """Watches hands at fixtures that have a dead load cell."""

    def __init__(self, parameters: UnweighedParameters, reach: ReachParameters, store: Store) -> None:
        """All cells of ``store`` work until ``set_dead`` says otherwise."""
        self._p, self._reach = parameters, reach
        self._fixtures: dict[str, _Fixture] = {}
        for lane_id, site in sorted(store.lane_sites.items()):
            fixture = self._fixtures.setdefault(site.fixture.fixture_id, _Fixture([], []))
            fixture.sites.append(site)
            fixture.lane_ids.append(lane_id)
        weights = {product.sku: product.weight_g for product in store.products}
        self._weights_g = {lane_id: weights[facing.sku] for lane_id, facing in store.facing_by_lane.items()}
        self._inside: dict[tuple[int, int, str], _Reach] = {}
        self._over: list[_Reach] = []
        self._felt: dict[str, WeightEvent] = {}
        self._told: dict[tuple[int, str], int] = {}
        self._newest_ns = -1

    def set_dead(self, fixture_id: str, lane_ids: Iterable[str]) -> None:
        """Say which lanes of a fixture weigh nothing at present. Raises ValueError for a lane that it does not have."""
        fixture, dead = self._fixtures[fixture_id], set(lane_ids)
        unknown = sorted(dead - set(fixture.lane_ids))
        if unknown:
            raise ValueError(f"fixture {fixture_id} has no lanes {unknown}")
        fixture.dead = dead

    @property
    def waiting(self) -> bool:
        """Whether there are reaches of which it is not known yet what they are."""
        return bool(self._over)

    def add(self, shoppers: Shoppers) -> None:
        """Take everybody's hands at a stamp; older stamps are ignored."""
        if shoppers.stamp_ns <= self._newest_ns:
            return
        self._newest_ns = shoppers.stamp_ns
        watched = [name for name, fixture in self._fixtures.items() if fixture.dead]
        if watched:
            for state in shoppers.shoppers:
                hands, sds = hands_of(state, self._reach.forearm_share)
                for hand in np.flatnonzero(np.isfinite(hands).all(axis=1)):
                    for name in watched:
                        self._follow(state.track_id, int(hand), name, hands[hand], float(sds[hand]))
        self._end_reaches()

    def felt(self, event: WeightEvent) -> None:
        """Take a weight event: it explains the reach of the hand that caused it. One of 0 g is taken back."""
        if event.delta_g == 0:
            self._felt.pop(event.event_id, None)
        else:
            self._felt[event.event_id] = event

    def take(self, now_ns: int) -> list[WeightEvent]:
        """Return, as events of unknown weight, the reaches that nothing felt has explained by now."""
        known_ns = now_ns - int(self._p.wait_s * 1e9)
        due = [reach for reach in self._over if reach.last_ns <= known_ns]
        self._over = [reach for reach in self._over if reach.last_ns > known_ns]
        oldest_ns = now_ns - _KEEP_NS
        self._felt = {key: felt for key, felt in self._felt.items() if felt.end_ns >= oldest_ns}
        self._told = {key: told_ns for key, told_ns in self._told.items() if told_ns >= oldest_ns}
        return [event for reach in due for event in self._event(reach)]

    def _follow(self, track_id: int, hand: int, name: str, place: FloatArray, sd: float) -> None:
        """Go on with the reach of one hand, or begin one, if it is inside the fixture."""
        fixture = self._fixtures[name]
        if not self._is_inside(fixture, place):
            return
        hands, sds = np.broadcast_to(place, (1, 2, 3)), np.full((1, 2), sd)
        ratios = np.array([hand_log_ratio(hands, sds, site, self._reach)[0, 0] for site in fixture.sites])
        now_ns = self._newest_ns
        reach = self._inside.setdefault(
            (track_id, hand, name), _Reach(track_id, name, now_ns, now_ns, np.zeros(len(fixture.sites)))
        )
        reach.last_ns = now_ns
        reach.ratios = reach.ratios + ratios
        reach.samples += 1

    def _is_inside(self, fixture: _Fixture, place: FloatArray) -> bool:
        """Whether a hand is behind the front of some lane, not far beside it, and not far above or below."""
        for site in fixture.sites:
            local = (place - site.position) @ site.transform[:3, :3]
            depth, width, height = site.lane.depth, site.lane.width, site.shelf.clearance
            if abs(local[0]) < depth / 2 and abs(local[1]) < width and -0.1 < local[2] < height + 0.1:
                return True
        return False

    def _end_reaches(self) -> None:
        for key, reach in list(self._inside.items()):
            if self._newest_ns - reach.last_ns > self._p.gap_s * 1e9:
                del self._inside[key]
                if reach.last_ns - reach.first_ns >= self._p.least_s * 1e9:
                    self._over.append(reach)

    def _event(self, reach: _Reach) -> list[WeightEvent]:
        fixture, shares = self._fixtures[reach.fixture_id], reach.shares()
        by_lane = dict(zip(fixture.lane_ids, shares.tolist(), strict=True))
        dead = max(fixture.dead, key=lambda lane_id: by_lane[lane_id], default=None)
        if dead is None or by_lane[dead] < self._p.share or self._is_explained(reach, by_lane):
            return []
        middle_ns = (reach.first_ns + reach.last_ns) // 2
        before_ns = self._told.get((reach.track_id, dead))
        if before_ns is not None and abs(middle_ns - before_ns) < _ONE_REACH_NS:
            return []
        self._told[reach.track_id, dead] = middle_ns
        event_id = f"{dead}-unweighed-{middle_ns // 1_000_000}"
        return [
            WeightEvent(event_id, reach.fixture_id, (dead,), (math.nan,), middle_ns, reach.last_ns, math.nan, math.inf)
        ]

    def _is_explained(self, reach: _Reach, by_lane: Mapping[str, float]) -> bool:
        """Whether a piece was felt to move, at the time of the reach, in a lane in which the hand may have been."""
        margin_ns = int(self._p.felt_s * 1e9)
        return any(
            felt.fixture_id == reach.fixture_id
            and reach.first_ns - margin_ns <= felt.onset_ns <= reach.last_ns + margin_ns
            and self._moves_a_piece(felt)
            and max(by_lane[lane_id] for lane_id in felt.lane_ids) >= self._p.felt_share
            for felt in self._felt.values()
        )

    def _moves_a_piece(self, felt: WeightEvent) -> bool:
        """Whether the change is no mere cross-talk of the dead plate, whose own step nobody sees."""
        lightest = min((self._weights_g.get(lane_id, 0.0) for lane_id in felt.lane_ids), default=0.0)
        return abs(felt.delta_g) > lightest / 2
