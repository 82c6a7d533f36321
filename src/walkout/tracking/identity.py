"""Who is who: zones, duplicates and lost shoppers found again; of mixed-up pairs see ``encounters``."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from walkout.store.model import Fixture, Zone, ZoneKind
from walkout.tracking.parameters import TrackerParameters
from walkout.tracking.small_arrays import stacked
from walkout.tracking.track import Contrast, Track, look_distance
from walkout.tracking.types import TrackState

FloatArray = NDArray[np.float64]

_KEPT_PROBABILITY = 0.01
_RECOGNISED = 0.6
"""A stranger in a closed world takes up an identity when it is this probable; until then he stays unknown."""
_ANYWHERE = 1.6
"""Log of the store's area by that in which a new body may be a mistake of the detector (10 m^2)."""
_JOINTLY = 4
"""Up to so many strangers and missing ones are weighed jointly."""
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
    """Finds two tracks on one body: they stand together and never both get a detection of one frame.

    Either it is one shopper who was found twice, or two of whom one is hidden by the other: those who both came in,
    and did so apart or have been seen apart since, are two.
    """

    def __init__(self, parameters: TrackerParameters) -> None:
        self._p = parameters

    def watch(self, tracks: Sequence[Track], found: NDArray[np.bool_], visible: FloatArray, dt: float) -> None:
        """Note one frame of ``dt`` s: who was ``found`` (t,), and what share of whom was ``visible`` (t,)."""
        for i, j in np.argwhere(np.triu(near(tracks, self._p.merge_distance), 1)).tolist():
            first, second = tracks[i], tracks[j]
            held = first.rivals.get(second.track_id, 0.0)
            if found[i] and found[j]:
                held -= 4 * dt
            elif (found[i] or found[j]) and min(visible[i], visible[j]) > 0.5:
                held += dt
            first.rivals[second.track_id] = min(max(held, -self._p.merge_after_s), 2 * self._p.merge_after_s)

    def beside(self, place: FloatArray, tracks: Sequence[Track]) -> set[int]:
        """Return the ids of those who may be the body that is found at a place (2,)."""
        return {t.track_id for t in tracks if np.hypot(*(place - t.position)) < self._p.crossing_distance}

    def _part(self, tracks: Sequence[Track]) -> None:
        """Note who is seen at two places at once by at least two cameras each: those are two shoppers."""
        by_id = {t.track_id: t for t in tracks if t.live and t.firm_ns == t.last_hit_ns}
        for track in by_id.values():
            for other_id in [name for name in track.beside if name in by_id]:
                if np.hypot(*(track.position - by_id[other_id].position)) > self._p.crossing_distance:
                    track.beside.discard(other_id)

    @staticmethod
    def are_two(first: Track, second: Track) -> bool:
        """Return whether two tracks are known to be two shoppers, wherever their bodies seem to be now."""
        maybe_one = second.track_id in first.beside or first.track_id in second.beside
        return first.from_entry and second.from_entry and not maybe_one

    def find(self, tracks: Sequence[Track]) -> list[tuple[Track, Track]]:
        """Return pairs (kept, absorbed): the older, settled identity stays."""
        self._part(tracks)
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


def near(tracks: Sequence[Track], distance: float) -> NDArray[np.bool_]:
    """Return which tracks (t, t) are nearer to each other than ``distance``; all are to themselves."""
    x, y = stacked([t.mean for t in tracks], 5)[:, :2].T
    return np.asarray((x - x[:, None]) ** 2 + (y - y[:, None]) ** 2 < distance**2)


def _seniority(track: Track) -> tuple[bool, bool, int]:
    return track.state is not TrackState.CONFIRMED, not track.from_entry, track.track_id


def published_identity(
    track: Track, ended: Sequence[tuple[float, dict[int, float]]] = ()
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Return candidate ids and probabilities, the track's own id first, the rest by falling probability.

    With doubts that have just ``ended`` it is the posterior of the time in which they lasted.
    """
    shares = dict(track.identity)
    if track.state is not TrackState.CLOSED:
        for exchanged, other in [*track.doubts, *ended]:
            shares = {n: (1 - exchanged) * shares.get(n, 0.0) + exchanged * other.get(n, 0.0) for n in shares | other}
    own = shares.pop(track.track_id, 0.0)
    for name, chance in track.may_be.items():
        shares[name] = shares.get(name, 0.0) + own * chance
    own *= 1.0 - sum(track.may_be.values())
    rest = [(n, p) for n, p in shares.items() if p >= _KEPT_PROBABILITY]
    rest.sort(key=lambda item: (-item[1], item[0]))
    return (track.track_id, *(n for n, _ in rest)), (own, *(p for _, p in rest))


@dataclass(frozen=True)
class Recognised:
    """A stranger who is taken for a missing shopper.

    ``known`` is the probability that he is one of the missing at all; ``rivals`` are the other missing whom he may be
    instead, each with the log odds against it by the places alone.
    """

    stranger: Track
    missing: Track
    known: float
    rivals: tuple[tuple[Track, float], ...]


class Recognition:
    """Decides whether a body that appeared away from the entry is a lost shopper."""

    def __init__(self, parameters: TrackerParameters, closed_world: bool) -> None:
        self._p = parameters
        self._closed_world = closed_world
        # In a closed world somebody new inside is rare; in an open one it is as likely as a return.
        self._prior = math.log(20.0) if closed_world else 0.0

    def match(self, strangers: Sequence[Track], missing: Sequence[Track]) -> list[Recognised]:
        """Return the strangers who are recognised, by the best joint assignment.

        In a closed world strangers who are not recognised for sure are told whom they may be.
        """
        for stranger in strangers:
            stranger.may_be = {}
        if not strangers or not missing:
            return []
        place = np.array([[self._place_odds(s, m) for m in missing] for s in strangers])
        odds = place + [self._likeness(s, missing, row) for s, row in zip(strangers, place, strict=True)]
        shares = shares_of(odds)
        rows, columns = linear_sum_assignment(-np.maximum(odds, 0.0))
        pairs = [
            (row, column)
            for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
            if odds[row, column] > 0 and (shares[row, column] > _RECOGNISED or not self._closed_world)
        ]
        known = {row for row, _ in pairs}
        for row, stranger in enumerate(strangers):
            if self._closed_world and not stranger.from_entry and row not in known:
                stranger.may_be = {m.track_id: float(chance) for m, chance in zip(missing, shares[row], strict=True)}
        return [
            Recognised(strangers[row], missing[column], float(shares[row].sum()), _rivals(missing, place, pairs, own))
            for own, (row, column) in enumerate(pairs)
        ]

    def _place_odds(self, stranger: Track, missing: Track) -> float:
        """Return the log odds that the two are one shopper, by where and when they were."""
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
        return (0.0 if stranger.from_entry else self._prior) + place

    def _likeness(self, stranger: Track, missing: Sequence[Track], place: FloatArray) -> FloatArray:
        """Return the log likelihood ratios (m,) of stature and clothing: of one shopper to two.

        Clothing says little of whether somebody is known at all, but tells those whom he may be by ``place`` apart.
        """
        ratios = np.array([self._alike(stranger, m) for m in missing])
        possible = [k for k in range(len(missing)) if np.isfinite(place[k])]
        for k in possible:
            against = [
                contrast.odds(stranger.fresh)
                for other in possible
                if other != k
                and (contrast := Contrast.of(missing[other].appearance, missing[k].appearance, self._p.look_change_sd))
            ]
            ratios[k] -= max([*against, 0.0])
        return ratios

    def _alike(self, stranger: Track, missing: Track) -> float:
        """Return the log likelihood ratio of stature and clothing of one missing shopper alone."""
        p = self._p
        gap = (stranger.born_ns - missing.firm_ns) / 1e9
        height = stranger.stature - missing.stature
        # Who is found anew at once, and small, may be stooping: that is how he was lost.
        stooping = height < 0 and gap < _OVERLAP_S
        noise = 2 * (3 * p.height_match_sd if stooping else p.height_match_sd) ** 2
        ratio = 0.5 * math.log((noise + 2 * p.height_sd**2) / noise) - height**2 / (2 * noise)
        look = look_distance(stranger.appearance, missing.appearance)
        return ratio if look is None else ratio + 1.0 - (look / p.appearance_match_sd) ** 2 / 2


def shares_of(odds: FloatArray) -> FloatArray:
    """Return the probability (s, m) of every stranger to be every missing one, given log odds against being nobody.

    No two are the same one: all ways to give strangers names are weighed, when there are few of them; otherwise each
    stranger is taken alone.
    """
    weights = np.exp(np.minimum(odds, 50.0))
    if min(odds.shape) == 1 or max(odds.shape) > _JOINTLY:
        alone = weights / (1.0 + weights.sum(axis=1, keepdims=True))
        return np.asarray(alone)
    shares, total = np.zeros(odds.shape), 0.0
    for names in itertools.product(range(-1, odds.shape[1]), repeat=odds.shape[0]):
        given = [(row, column) for row, column in enumerate(names) if column >= 0]
        if len({column for _, column in given}) == len(given):
            weight = math.prod(float(weights[pair]) for pair in given)
            total += weight
            for pair in given:
                shares[pair] += weight
    return shares / total


def _rivals(
    missing: Sequence[Track], place: FloatArray, pairs: Sequence[tuple[int, int]], own: int
) -> tuple[tuple[Track, float], ...]:
    """Return with whom the missing one of a pair may be exchanged; of two who are found at once the first tells it."""
    row, column = pairs[own]
    columns = [c for _, c in pairs]
    result = []
    for other, track in enumerate(missing):
        if other == column or not np.isfinite(place[row, other]):
            continue
        against = place[row, column] - place[row, other]
        if other in columns:
            partner = columns.index(other)
            if partner < own or not np.isfinite(place[pairs[partner][0], column]):
                continue
            against += place[pairs[partner][0], other] - place[pairs[partner][0], column]
        result.append((track, float(against)))
    return tuple(result)
