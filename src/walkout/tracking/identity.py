"""Who is who: zones, duplicates, mixed-up pairs and lost shoppers found again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from walkout.store.model import Fixture, Zone, ZoneKind
from walkout.tracking.parameters import TrackerParameters
from walkout.tracking.small_arrays import stacked
from walkout.tracking.track import Track, look_distance
from walkout.tracking.types import TrackState

FloatArray = NDArray[np.float64]

_MAX_EVIDENCE = 20.0
_KEPT_PROBABILITY = 0.01
_RECOGNISED = 0.6
"""A stranger in a closed world takes up an identity when it is this probable; until then he stays unknown."""
_ANYWHERE = 1.6
"""Log of the store's area by that in which a new body may be a mistake of the detector (10 m^2)."""
_OVERLAP_S = 1.0
"""A track that has slipped off its shopper can still be fed by stray detections when he is found anew."""


class Zones:
    """The entry and exit zones, convex polygons widened by a margin, and the store's interior.

    Without entry zones the world is open. The interior is the bounding box of fixtures and zones; without fixtures
    nothing is known to be outside.
    """

    def __init__(self, zones: Sequence[Zone], fixtures: Sequence[Fixture], margin: float) -> None:
        self._margin = margin
        self._edges = {kind: [_half_planes(z) for z in zones if z.kind is kind] for kind in ZoneKind}
        self.closed_world = bool(self._edges[ZoneKind.ENTRY])
        self._interior: tuple[FloatArray, FloatArray] | None = None
        if fixtures and zones:
            corners = [np.array(z.polygon, dtype=float) for z in zones] + [_footprint(f) for f in fixtures]
            stacked = np.concatenate(corners)
            self._interior = stacked.min(axis=0), stacked.max(axis=0)

    def inside(self, kind: ZoneKind, place: FloatArray) -> bool:
        """Return whether a place (2,) lies in a zone of this kind."""
        return any(bool((normals @ place - offsets >= -self._margin).all()) for normals, offsets in self._edges[kind])

    def outdoors(self, place: FloatArray) -> bool:
        """Return whether a place (2,) lies outside the store."""
        return self._interior is not None and not bool(
            ((place >= self._interior[0]) & (place <= self._interior[1])).all()
        )

    def may_appear(self, place: FloatArray) -> bool:
        """Return whether a body at a place (2,) is of interest: in the store or about to enter."""
        return not self.outdoors(place) or self.inside(ZoneKind.ENTRY, place)


def _footprint(fixture: Fixture) -> FloatArray:
    """Return the four corners (4, 2) of a fixture on the floor."""
    signs = np.array([[-1, -1, 0, 2], [-1, 1, 0, 2], [1, -1, 0, 2], [1, 1, 0, 2]]) / 2.0
    local = signs * (fixture.size[0], fixture.size[1], 0.0, 1.0)
    return np.asarray((local @ fixture.pose.matrix.T)[:, :2])


def _half_planes(zone: Zone) -> tuple[FloatArray, FloatArray]:
    """Return inward unit normals (n, 2) and offsets (n,) of a counter-clockwise polygon's edges."""
    corners = np.array(zone.polygon, dtype=float)
    edges = np.roll(corners, -1, axis=0) - corners
    normals = np.column_stack([-edges[:, 1], edges[:, 0]]) / np.linalg.norm(edges, axis=1, keepdims=True)
    return normals, np.einsum("ij,ij->i", normals, corners)


class Duplicates:
    """Finds two tracks on one shopper: they stand together and never both get a detection of one frame."""

    def __init__(self, parameters: TrackerParameters) -> None:
        self._p = parameters

    def watch(self, tracks: Sequence[Track], found: NDArray[np.bool_], visible: FloatArray, dt: float) -> None:
        """Note one frame of ``dt`` s: who was ``found`` (t,), and what share of whom was ``visible`` (t,)."""
        for i, j in _near(tracks, self._p.merge_distance):
            first, second = tracks[i], tracks[j]
            held = first.rivals.get(second.track_id, 0.0)
            if found[i] and found[j]:
                held -= 4 * dt
            elif (found[i] or found[j]) and min(visible[i], visible[j]) > 0.5:
                held += dt
            first.rivals[second.track_id] = min(max(held, -self._p.merge_after_s), 2 * self._p.merge_after_s)

    def find(self, tracks: Sequence[Track]) -> list[tuple[Track, Track]]:
        """Return pairs (kept, absorbed): the older, settled identity stays."""
        by_id = {t.track_id: t for t in tracks if t.live}
        pairs: list[tuple[Track, Track]] = []
        gone: set[int] = set()
        for track in list(by_id.values()):
            for other_id, held in track.rivals.items():
                other = by_id.get(other_id)
                if other is None or held < self._p.merge_after_s or {track.track_id, other_id} & gone:
                    continue
                if np.hypot(*(track.position - other.position)) > self._p.merge_distance:
                    continue
                kept, absorbed = sorted((track, other), key=_seniority)
                gone.add(absorbed.track_id)
                pairs.append((kept, absorbed))
        return pairs


def _near(tracks: Sequence[Track], distance: float) -> list[list[int]]:
    """Return the pairs [i, j], i < j, of indices of tracks that are nearer to each other than ``distance``."""
    if len(tracks) < 2:
        return []
    x, y = stacked([t.mean for t in tracks], 5)[:, :2].T
    near = (x - x[:, None]) ** 2 + (y - y[:, None]) ** 2 < distance**2
    return [pair for pair in np.argwhere(near).tolist() if pair[0] < pair[1]]


def _seniority(track: Track) -> tuple[bool, bool, int]:
    return track.state is not TrackState.CONFIRMED, not track.from_entry, track.track_id


@dataclass
class _Encounter:
    """Two shoppers close together: what tells them apart (log odds), now and at worst, and their old looks."""

    evidence: float
    weakest: float
    looks: tuple[FloatArray | None, FloatArray | None]
    heights: tuple[tuple[float, float], tuple[float, float]]
    last_ns: int


class Encounters:
    """Keeps the probability that two close shoppers were exchanged, and resolves it by clothing and height afterwards.

    While two shoppers are close, every camera that sees both says by how much its likelihood would drop if the two
    swapped detections. The leaky sum of that is the evidence that keeps them apart; its minimum over the
    encounter gives the probability of a swap. When they part, looks and heights remembered from before are compared
    with those now.
    """

    def __init__(self, parameters: TrackerParameters) -> None:
        self._p = parameters
        self._open: dict[tuple[int, int], _Encounter] = {}

    def clear(self) -> None:
        """Forget all encounters."""
        self._open.clear()

    def watch(self, tracks: Sequence[Track], rise: FloatArray | None, now_ns: int) -> None:
        """Note one frame whose detections were given to ``tracks`` (m).

        ``rise`` (m, m) is the cost of swapping the detections of two of them, None when nothing is known of it.
        """
        if rise is None:
            return
        place = {track.track_id: k for k, track in enumerate(tracks)}
        for key, encounter in self._open.items():
            i, j = place.get(key[0]), place.get(key[1])
            if i is None or j is None:
                continue
            fade = math.exp(-(now_ns - encounter.last_ns) / 1e9 / self._p.margin_decay_s)
            encounter.evidence = min(encounter.evidence * fade + float(rise[i, j]) / 2, _MAX_EVIDENCE)
            encounter.weakest = min(encounter.weakest, encounter.evidence)
            encounter.last_ns = now_ns
        for i, j in _near(tracks, self._p.crossing_distance):
            first, second = sorted((tracks[i], tracks[j]), key=lambda track: track.track_id)
            key = first.track_id, second.track_id
            if key not in self._open:
                self._open[key] = _begin(first, second, now_ns)

    def settle(self, tracks: Sequence[Track]) -> list[tuple[Track, Track]]:
        """Close the encounters of shoppers who have parted; return the pairs whose identities must be exchanged."""
        by_id = {t.track_id: t for t in tracks if t.live}
        swaps = []
        for key, encounter in list(self._open.items()):
            first, second = by_id.get(key[0]), by_id.get(key[1])
            if first is None or second is None:
                del self._open[key]
                continue
            if np.hypot(*(first.position - second.position)) < 1.5 * self._p.crossing_distance:
                continue
            del self._open[key]
            swapped = 1 / (1 + math.exp(min(encounter.weakest - self._recognition(encounter, first, second), 50.0)))
            if swapped > self._p.swap_probability:
                swaps.append((first, second))
                swapped = 1 - swapped
            _mix(first, second, swapped)
        return swaps

    def _recognition(self, encounter: _Encounter, first: Track, second: Track) -> float:
        """Return the log odds that the two are exchanged, by clothing and height before and now."""
        odds = 0.0
        now = (first.appearance, second.appearance)
        straight = [look_distance(a, b) for a, b in zip(encounter.looks, now, strict=True)]
        crossed = [look_distance(a, b) for a, b in zip(encounter.looks, now[::-1], strict=True)]
        if all(d is not None for d in straight + crossed):
            gain = sum(d**2 for d in straight if d is not None) - sum(d**2 for d in crossed if d is not None)
            odds += gain / (2 * self._p.appearance_match_sd**2)
        heights = (first.stature, second.stature)
        noise = self._p.height_match_sd**2
        for place in (0, 1):
            before, variance = encounter.heights[place]
            spread = 2 * (noise + variance)
            odds += ((heights[place] - before) ** 2 - (heights[1 - place] - before) ** 2) / spread
        return odds


def _begin(first: Track, second: Track, now_ns: int) -> _Encounter:
    looks = (first.appearance, second.appearance)
    heights = tuple((t.stature, float(t.covariance[4, 4])) for t in (first, second))
    return _Encounter(_MAX_EVIDENCE, _MAX_EVIDENCE, looks, (heights[0], heights[1]), now_ns)


def _mix(first: Track, second: Track, swapped: float) -> None:
    """Blend the identity posteriors of two tracks that were exchanged with this probability."""
    if swapped < 1e-3:
        return
    names = set(first.identity) | set(second.identity)
    a, b = dict(first.identity), dict(second.identity)
    first.identity = {n: (1 - swapped) * a.get(n, 0.0) + swapped * b.get(n, 0.0) for n in names}
    second.identity = {n: (1 - swapped) * b.get(n, 0.0) + swapped * a.get(n, 0.0) for n in names}


def published_identity(track: Track) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Return candidate ids and probabilities, the track's own id first, the rest by falling probability."""
    own = track.identity.get(track.track_id, 0.0)
    shares = {n: p for n, p in track.identity.items() if n != track.track_id}
    for name, chance in track.may_be.items():
        shares[name] = shares.get(name, 0.0) + own * chance
    own *= 1.0 - sum(track.may_be.values())
    rest = [(n, p) for n, p in shares.items() if p >= _KEPT_PROBABILITY]
    rest.sort(key=lambda item: (-item[1], item[0]))
    return (track.track_id, *(n for n, _ in rest)), (own, *(p for _, p in rest))


class Recognition:
    """Decides whether a body that appeared away from the entry is a lost shopper."""

    def __init__(self, parameters: TrackerParameters, closed_world: bool) -> None:
        self._p = parameters
        self._closed_world = closed_world
        # In a closed world somebody new inside is rare; in an open one it is as likely as a return.
        self._prior = math.log(20.0) if closed_world else 0.0

    def match(self, strangers: Sequence[Track], missing: Sequence[Track]) -> list[tuple[Track, Track, float]]:
        """Return (stranger, missing, probability) for the recognised ones, by the best joint assignment.

        In a closed world strangers who are not recognised for sure are told whom they may be.
        """
        for stranger in strangers:
            stranger.may_be = {}
        if not strangers or not missing:
            return []
        odds = np.array([[self._odds(s, m) for m in missing] for s in strangers])
        weights = np.exp(np.minimum(odds, 50.0))
        shares = weights / (1.0 + weights.sum(axis=1, keepdims=True))
        rows, columns = linear_sum_assignment(-np.maximum(odds, 0.0))
        result = []
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            if odds[row, column] > 0 and (shares[row, column] > _RECOGNISED or not self._closed_world):
                result.append((strangers[row], missing[column], float(shares[row, column])))
        known = {id(stranger) for stranger, _, _ in result}
        for stranger, chances in zip(strangers, shares.tolist(), strict=True):
            if self._closed_world and not stranger.from_entry and id(stranger) not in known:
                stranger.may_be = {m.track_id: chance for m, chance in zip(missing, chances, strict=True)}
        return result

    def _odds(self, stranger: Track, missing: Track) -> float:
        """Return the log odds that the two are one shopper."""
        p = self._p
        gap = (stranger.born_ns - missing.firm_ns) / 1e9
        distance = float(np.hypot(*(stranger.birth_place - missing.last_place)))
        if gap < -_OVERLAP_S or distance > p.max_speed * max(gap, 0.0) + p.reach_margin:
            return -math.inf
        spread = 0.6 + 0.7 * max(gap, 0.0)
        place = math.log(10.0 / (2 * math.pi * spread**2)) - distance**2 / (2 * spread**2)
        if self._closed_world and not stranger.from_entry and missing.state is TrackState.LOST:
            # Who has been lost for long may be anywhere in the store, but still nowhere else.
            place = max(place, -_ANYWHERE)
        odds = (0.0 if stranger.from_entry else self._prior) + place
        height = stranger.stature - missing.stature
        # Who is found anew at once, and small, may be stooping: that is how he was lost.
        stooping = height < 0 and gap < _OVERLAP_S
        noise = 2 * (3 * p.height_match_sd if stooping else p.height_match_sd) ** 2
        odds += 0.5 * math.log((noise + 2 * p.height_sd**2) / noise) - height**2 / (2 * noise)
        look = look_distance(stranger.appearance, missing.appearance)
        if look is not None:
            odds += 1.0 - (look / p.appearance_match_sd) ** 2 / 2
        return odds
