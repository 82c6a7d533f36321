"""Tracked bodies around an event, and whose they were: kept apart, because the tracker may learn later who was who."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from walkout.interactions.evidence import TrackEvidence
from walkout.interactions.likelihoods import ReachParameters, reach
from walkout.interactions.shopper_history import ShopperHistory
from walkout.interactions.types import WeightEvent
from walkout.store.model import LaneSite
from walkout.tracking.types import Revision

_LEAST = 1e-9


@dataclass(frozen=True)
class BodyEvidence:
    """How the body that a track followed is tied to an event, and whose it was.

    ``log_ratio`` is against chance, ``hand`` 0 left, 1 right, -1 unknown, ``identity`` track ids with probabilities,
    ``views`` the cameras that saw it.
    """

    track_id: int
    log_ratio: float
    hand: int
    identity: tuple[tuple[int, float], ...]
    views: tuple[str, ...]


@dataclass(frozen=True)
class Correction:
    """A revision that a track's snapshot of ``until_ns`` has told."""

    track_id: int
    revision: Revision
    until_ns: int

    def concerns(self, stamp_ns: int) -> bool:
        """Whether it says something of this time."""
        return self.revision.since_ns <= stamp_ns <= self.until_ns

    @property
    def identity(self) -> tuple[tuple[int, float], ...]:
        """Whose body it was, as is known now."""
        return tuple(zip(self.revision.candidate_ids, self.revision.candidate_probabilities, strict=True))


def bodies_at(
    history: ShopperHistory, site: LaneSite, event: WeightEvent, parameters: ReachParameters
) -> tuple[BodyEvidence, ...]:
    """Return everybody who was near the lane of ``site`` at the event, by track id."""
    from_ns = event.onset_ns - int(parameters.lead_s * 1e9)
    to_ns = event.onset_ns + int(parameters.lag_s * 1e9)
    bodies = []
    for window in history.around(from_ns, to_ns):
        found = reach(window.track, site, event.onset_ns, parameters)
        bodies.append(BodyEvidence(window.track_id, found.log_ratio, found.hand, window.identity, window.views))
    return tuple(bodies)


def correct(
    bodies: Iterable[BodyEvidence], corrections: Sequence[Correction], stamp_ns: int
) -> tuple[BodyEvidence, ...]:
    """Return bodies of a time with all that has been learnt since of whose they were."""
    result = []
    for body in bodies:
        for correction in corrections:
            if correction.track_id == body.track_id and correction.concerns(stamp_ns):
                body = replace(body, identity=correction.identity)
        result.append(body)
    return tuple(result)


def spread(
    bodies: Iterable[BodyEvidence], heirs: Mapping[int, int], minimum_log_ratio: float
) -> tuple[TrackEvidence, ...]:
    """Return the evidence of every shopper over all bodies that may have been theirs, by track id.

    ``heirs`` names the tracks that go on in place of others; less evidence than the minimum is left out.
    """
    ratios: dict[int, list[float]] = {}
    hands: dict[int, tuple[float, int]] = {}
    for body in bodies:
        for name, probability in body.identity:
            track_id = heirs.get(name, name)
            ratio = body.log_ratio + float(np.log(max(probability, _LEAST)))
            ratios.setdefault(track_id, []).append(ratio)
            if ratio > hands.get(track_id, (-np.inf, -1))[0]:
                hands[track_id] = (ratio, body.hand)
    tracks = [
        TrackEvidence(track_id, float(np.logaddexp.reduce(values)), hands[track_id][1])
        for track_id, values in sorted(ratios.items())
    ]
    return tuple(track for track in tracks if track.log_ratio > minimum_log_ratio)


def cameras_of(bodies: Iterable[BodyEvidence]) -> tuple[str, ...]:
    """Return the cameras that saw those bodies who may have done it."""
    return tuple(sorted({view for body in bodies if body.log_ratio > 0 for view in body.views}))
