"""Two shoppers who may have been mixed up: how probable that is, and what clothing and stature say of it later."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from walkout.tracking.identity import near, published_identity
from walkout.tracking.parameters import TrackerParameters
from walkout.tracking.track import Contrast, Fresh, Track
from walkout.tracking.types import Revision, TrackState

FloatArray = NDArray[np.float64]

_MAX_EVIDENCE = 20.0
_PLAIN_RISE = 2 * _MAX_EVIDENCE
"""A frame in which swapping detections costs this much tells two apart whatever was before."""
_ENOUGH_LOOKS = 40
"""So many sights of each whole body since they may have been mixed up end an encounter,"""
_PATIENCE_NS = 5_000_000_000
"""or so long after they have parted."""
_NO_DOUBT = 1e-3


@dataclass
class _Encounter:
    """Two shoppers who may be exchanged: log odds against it by places, now and at worst, and how both were before.

    ``clothing`` tells the first from the second by what was known before, ``statures`` are from before too;
    ``weakest_ns`` is when it was worst, ``apart_ns`` since when they have parted.
    """

    first: Track
    second: Track
    evidence: float
    weakest: float
    clothing: Contrast | None
    statures: tuple[float, float]
    last_ns: int
    weakest_ns: int
    apart_ns: int | None = None
    doubted: bool = False

    def both_ways(self) -> tuple[tuple[Track, Track], tuple[Track, Track]]:
        """Return each with the other."""
        return (self.first, self.second), (self.second, self.first)


class Encounters:
    """Keeps the probability that two shoppers were exchanged, and resolves it by clothing and stature afterwards.

    While two shoppers are close, every camera that sees both says by how much its likelihood would drop if the two
    swapped detections. The leaky sum of that is the evidence that keeps them apart; its minimum over the
    encounter, times ``exchange_odds``, gives the log odds against an exchange. What has been seen of clothing and
    height since that minimum is compared with what was known before. Until the encounter ends, when they have
    been apart long enough to see both well, the probability is published as a doubt (``Track.doubts``); then they are
    exchanged, or what doubt is left stays with both for good.
    """

    def __init__(self, parameters: TrackerParameters) -> None:
        self._p = parameters
        self._open: dict[tuple[int, int], _Encounter] = {}
        self._told: list[Track] = []

    def clear(self) -> None:
        """Forget all encounters."""
        self._open.clear()

    def watch(self, tracks: Sequence[Track], rise: FloatArray | None, now_ns: int) -> None:
        """Note one frame: ``rise`` (t, t) is the cost of swapping the detections of two tracks, infinite if unknown."""
        if rise is None:
            return
        # Who met while nobody saw them counts as close too, wherever they stand now.
        close = np.isfinite(rise) & ((rise <= _PLAIN_RISE) | near(tracks, self._p.crossing_distance))
        for i, j in np.argwhere(np.triu(close)).tolist():
            key = _key(tracks[i], tracks[j])
            if key not in self._open:
                seen_ns = min(tracks[i].last_hit_ns, tracks[j].last_hit_ns)
                self._open[key] = self._begin(tracks[i], tracks[j], _MAX_EVIDENCE, seen_ns)
        place = {track.track_id: k for k, track in enumerate(tracks)}
        for (first, second), encounter in self._open.items():
            k, m = place.get(first), place.get(second)
            if k is None or m is None:
                continue
            known = float(rise[k, m])
            if known < _PLAIN_RISE:
                self._weigh(encounter, known, now_ns)
            elif known < math.inf:
                encounter.evidence, encounter.last_ns = _MAX_EVIDENCE, now_ns

    def _begin(self, first: Track, second: Track, evidence: float, now_ns: int) -> _Encounter:
        clothing = Contrast.of(first.appearance, second.appearance, self._p.look_change_sd)
        statures = first.stature, second.stature
        return _Encounter(first, second, evidence, evidence, clothing, statures, now_ns, now_ns)

    def _weigh(self, encounter: _Encounter, rise: float, now_ns: int) -> None:
        """Let one frame's evidence count; what was seen before the weakest moment says nothing of who is who now."""
        fade = math.exp(-(now_ns - encounter.last_ns) / 1e9 / self._p.margin_decay_s)
        encounter.evidence = min(encounter.evidence * fade + rise / 2, _MAX_EVIDENCE)
        encounter.last_ns = now_ns
        if encounter.evidence < encounter.weakest:
            encounter.weakest, encounter.weakest_ns = encounter.evidence, now_ns
            encounter.first.fresh, encounter.second.fresh = Fresh(), Fresh()

    def doubt(self, found: Track, rivals: Sequence[tuple[Track, float]], now_ns: int) -> None:
        """Note, before ``found`` takes up a body, whose it may be instead, with the log odds against each."""
        for rival, against in rivals:
            evidence, key = against / self._p.exchange_odds, _key(found, rival)
            if key in self._open:
                self._open[key].weakest = min(self._open[key].weakest, evidence)
                self._open[key].weakest_ns = now_ns
            else:
                self._open[key] = self._begin(found, rival, evidence, now_ns)

    def hide(self, seen: Track, hidden: Track, now_ns: int) -> None:
        """Lose one of two shoppers of whom a single body is left to be seen: it may as well be the other's."""
        hidden.lose(now_ns)
        self.doubt(seen, ((hidden, 0.0),), now_ns)
        seen.fresh = Fresh()

    def settle(self, now_ns: int) -> list[tuple[Track, Track]]:
        """Tell shoppers their doubts, end the encounters that are over; return the pairs who must be exchanged."""
        for track in self._told:
            track.revision = None
        for encounter in self._open.values():
            encounter.first.doubts, encounter.second.doubts = [], []
        ended: list[tuple[_Encounter, float]] = []
        for key, encounter in list(self._open.items()):
            exchanged = self._exchanged(encounter)
            if self._over(encounter, now_ns):
                del self._open[key]
                ended.append((encounter, exchanged))
            elif exchanged > _NO_DOUBT:
                encounter.doubted = True
                for track, other in encounter.both_ways():
                    track.doubts.append((exchanged, dict(other.identity)))
        self._told = _revise(ended)
        return [pair for encounter, exchanged in ended if (pair := self._conclude(encounter, exchanged))]

    def _conclude(self, encounter: _Encounter, exchanged: float) -> tuple[Track, Track] | None:
        """Let what doubt is left stay with both; return them if they must be exchanged."""
        first, second = encounter.first, encounter.second
        swap = exchanged > self._p.swap_probability and first.live and second.live
        _mix(first, second, 1 - exchanged if swap else exchanged)
        return (first, second) if swap else None

    def _over(self, encounter: _Encounter, now_ns: int) -> bool:
        """Return whether nothing more is to be waited for."""
        pair = encounter.first, encounter.second
        if any(t.state is TrackState.CLOSED for t in pair):
            return True
        if any(t.state is TrackState.LOST for t in pair):
            encounter.apart_ns = None
            return False
        both = all(t.live for t in pair)
        distance = float(np.hypot(*(pair[0].position - pair[1].position)))
        if both and distance < 1.5 * self._p.crossing_distance:
            encounter.apart_ns = None
            return False
        if encounter.apart_ns is None:
            encounter.apart_ns = now_ns
        seen = both and all(t.fresh.looks >= _ENOUGH_LOOKS for t in pair)
        return seen or now_ns - encounter.apart_ns > _PATIENCE_NS

    def _exchanged(self, encounter: _Encounter) -> float:
        """Return the probability that the two are exchanged."""
        against = self._p.exchange_odds * encounter.weakest + self._looks(encounter) + self._statures(encounter)
        return 1 / (1 + math.exp(min(max(against, -50.0), 50.0)))

    @staticmethod
    def _looks(encounter: _Encounter) -> float:
        """Return the log odds against an exchange by clothing."""
        odds, clothing = 0.0, encounter.clothing
        if clothing is not None and encounter.first.live:
            odds += clothing.odds(encounter.first.fresh)
        if clothing is not None and encounter.second.live:
            odds -= clothing.odds(encounter.second.fresh)
        return odds

    def _statures(self, encounter: _Encounter) -> float:
        """Return the log odds against an exchange by height. Errors that both share, such as stooping, cancel out."""
        now = encounter.first.fresh.height, encounter.second.fresh.height
        if now[0] is None or now[1] is None or not (encounter.first.live and encounter.second.live):
            return 0.0
        before = encounter.statures
        return (before[0] - before[1]) * (now[0] - now[1]) / self._p.stature_change_sd**2


def _key(first: Track, second: Track) -> tuple[int, int]:
    return min(first.track_id, second.track_id), max(first.track_id, second.track_id)


def _revise(ended: Sequence[tuple[_Encounter, float]]) -> list[Track]:
    """Let those whose doubts have ended know what these mean for what they did meanwhile; return them."""
    doubts: dict[int, list[tuple[float, dict[int, float]]]] = {}
    since: dict[int, int] = {}
    tracks: dict[int, Track] = {}
    for encounter, exchanged in ended:
        if exchanged <= _NO_DOUBT and not encounter.doubted:
            continue
        for track, other in encounter.both_ways():
            tracks[track.track_id] = track
            doubts.setdefault(track.track_id, []).append((exchanged, dict(other.identity)))
            since[track.track_id] = min(since.get(track.track_id, encounter.weakest_ns), encounter.weakest_ns)
    for name, track in tracks.items():
        track.revision = Revision(since[name], *published_identity(track, doubts[name]))
    return list(tracks.values())


def _mix(first: Track, second: Track, exchanged: float) -> None:
    """Blend the identity posteriors of two tracks that were exchanged with this probability."""
    if exchanged < _NO_DOUBT:
        return
    names = set(first.identity) | set(second.identity)
    a, b = dict(first.identity), dict(second.identity)
    for track, own, other in ((first, a, b), (second, b, a)):
        if track.state is not TrackState.CLOSED:
            track.identity = {n: (1 - exchanged) * own.get(n, 0.0) + exchanged * other.get(n, 0.0) for n in names}
