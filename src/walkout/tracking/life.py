"""The life of a track: tentative, confirmed, lost, and when it ends."""

from __future__ import annotations

import numpy as np

from walkout.store.model import ZoneKind
from walkout.tracking.identity import Zones
from walkout.tracking.parameters import TrackerParameters
from walkout.tracking.track import Track
from walkout.tracking.types import TrackState

_GONE = 0.1
_SURE = 0.9
_HIDDEN_PATIENCE = 3.0


class Life:
    """Decides by what cameras have seen, and by zones, when tracks are confirmed, lost and at their end."""

    def __init__(self, parameters: TrackerParameters, zones: Zones, cameras: int) -> None:
        self._p = parameters
        self._zones = zones
        self._birth_views = min(parameters.birth_views, cameras)

    def ends(self, track: Track, now_ns: int, period_s: float) -> bool:
        """Move one track through its life, with frames ``period_s`` apart; return whether it is at its end."""
        if track.existence >= _GONE:
            track.believed_ns = now_ns
        if track.state is TrackState.TENTATIVE:
            return self._grow(track, now_ns, period_s)
        if track.state is TrackState.CONFIRMED and self._follow(track, now_ns, period_s):
            return True
        return track.state is TrackState.LOST and self._given_up(track, now_ns)

    def _patience(self, track: Track, period_s: float) -> float:
        """Return for how long (seconds) a track may go unseen."""
        patience = max(self._p.lost_after_s, 3 * period_s)
        if track.existence > _SURE and track.state is TrackState.CONFIRMED:
            patience *= _HIDDEN_PATIENCE  # no camera has missed him: he stands where none can see
        return patience

    def _grow(self, track: Track, now_ns: int, period_s: float) -> bool:
        """Confirm a tentative track that deserves it; return whether it is at its end instead."""
        if (now_ns - track.last_hit_ns) / 1e9 > self._patience(track, period_s) / 2 or track.existence < _GONE:
            return True
        if self._grown_up(track, now_ns):
            track.state = TrackState.CONFIRMED
        return False

    def _follow(self, track: Track, now_ns: int, period_s: float) -> bool:
        """Lose a confirmed track that nobody finds; return whether its shopper has walked out."""
        unseen = (now_ns - track.last_hit_ns) / 1e9
        leaving = max(self._p.exit_close_s, 1.5 * period_s)
        # One camera alone may go on finding somebody else, or nobody, where he was.
        doubtful = (now_ns - track.firm_ns) / 1e9 > 2 * leaving
        vanished = (unseen > leaving or doubtful) and self._zones.inside(ZoneKind.EXIT, track.last_place)
        denied = track.existence < _GONE and not self._trusted(track, now_ns)
        if vanished or denied or unseen > self._patience(track, period_s):
            track.lose(now_ns)
        return self._zones.outdoors(track.position) and self._zones.inside(ZoneKind.EXIT, track.position)

    def _given_up(self, track: Track, now_ns: int) -> bool:
        """Return whether a lost shopper is no longer waited for."""
        gone = (now_ns - track.lost_ns) / 1e9
        walked_back = gone > self._p.entry_lost_close_s and self._zones.inside(ZoneKind.ENTRY, track.last_place)
        left = self._zones.inside(ZoneKind.EXIT, track.last_place)
        return gone > self._p.lost_keep_s or walked_back or left

    def _grown_up(self, track: Track, now_ns: int) -> bool:
        """Return whether a tentative shopper is to be confirmed; settles whether he came through the entry."""
        p = self._p
        enough = track.hits >= p.confirm_hits and track.existence > _SURE
        enough &= (now_ns - track.born_ns) / 1e9 >= p.confirm_age_s
        enough &= len(track.hit_by_camera) >= self._birth_views
        if not enough or self._zones.outdoors(track.position):
            return False  # who is still before the gate is no shopper yet
        came_in = self._zones.outdoors(track.birth_place) and self._zones.inside(ZoneKind.ENTRY, track.position)
        if came_in:
            track.from_entry = track.settled = True
        # In a closed store everybody walks in: a body that never stirs is furniture or a mistake of the detector.
        moved = np.hypot(*(track.position - track.birth_place)) > p.birth_moves
        return bool(came_in or moved or not self._zones.closed_world)

    def _trusted(self, track: Track, now_ns: int) -> bool:
        """Return whether a shopper on whom most cameras disagree is kept: known to be in, and doubted only briefly."""
        brief = (now_ns - track.believed_ns) / 1e9 < 2 * self._p.lost_after_s
        seen = (now_ns - track.last_hit_ns) / 1e9 < self._p.lost_after_s / 3
        return self._zones.closed_world and track.from_entry and brief and seen
