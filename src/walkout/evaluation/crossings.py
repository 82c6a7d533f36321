"""Are the published identity probabilities right when people have met? The tracker on made-up crossings."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from walkout.evaluation.made_crossings import MadeCrossing, Traits
from walkout.evaluation.statistics import Claim, expected_calibration_error, reliability
from walkout.tracking.parameters import TrackerParameters
from walkout.tracking.tracker import MultiViewTracker
from walkout.tracking.types import Shoppers, TrackState

MATCH_M = 0.5
DOUBTFUL = (0.05, 0.95)
_LEAST = 1e-3
"""The log score counts a probability of less as this."""


@dataclass(frozen=True)
class CrossingScore:
    """One crossing: its ``traits`` and what the tracker claimed of who is who.

    ``during`` are the claims from the meeting to the parting, ``after`` those of the seconds after it, ten a second
    and person: "this track is so-and-so", of the track's own identity and of the others it names. ``top`` are the
    likeliest names at the end with their probabilities, one per person found; ``exchanged`` how many people end under
    another's id, ``corrected`` how many were under another's id for a while and end under their own, ``lost`` how many
    end without a track or under an id that was nobody's before. Claims are made at times when people and tracks stand
    within half a metre of one another.
    """

    traits: Traits
    seed: int
    people: int
    exchanged: int
    corrected: int
    lost: int
    during: tuple[Claim, ...]
    after: tuple[Claim, ...]
    top: tuple[Claim, ...]


def score_crossing(seed: int, grade: int | None = None, parameters: TrackerParameters | None = None) -> CrossingScore:
    """Track one made-up crossing and compare who is who with the truth."""
    made = MadeCrossing(seed, grade)
    return judge(made, seed, follow(made, parameters or TrackerParameters()))


def follow(made: MadeCrossing, parameters: TrackerParameters) -> list[Shoppers]:
    """Return the snapshots of the tracker that sees a made-up crossing."""
    tracker = MultiViewTracker(parameters, made.cameras, made.zones)
    snapshots: list[Shoppers] = []
    for detections in made.frames():
        tracker.update(detections)
        snapshots += tracker.drain()
    tracker.flush()
    return [*snapshots, *tracker.drain()]


def judge(made: MadeCrossing, seed: int, snapshots: Iterable[Shoppers]) -> CrossingScore:
    """Compare the snapshots of a crossing with the truth."""
    owners: dict[int, int] = {}
    during: list[Claim] = []
    after: list[Claim] = []
    top: list[Claim] = []
    strayed: set[int] = set()
    last: dict[int, int] = {}
    for snapshot in snapshots:
        now = snapshot.stamp_ns * 1e-9
        pairs = matched(snapshot, made.at(now))
        if now < made.meets_s:
            owners.update({snapshot.shoppers[k].track_id: person for k, person in pairs.items()})
            continue
        if made.is_dark(now):
            continue  # whose body a track follows that nobody sees is not to be said
        claims, best = [], []
        last = {}
        for k, person in pairs.items():
            state = snapshot.shoppers[k]
            last[person] = state.track_id
            named = list(zip(state.candidate_ids, state.candidate_probabilities, strict=True))
            claims += [Claim(min(p, 1.0), owners.get(i) == person) for i, p in named]
            name, chance = max(named, key=lambda item: item[1])
            best.append(Claim(min(chance, 1.0), owners.get(name) == person))
        strayed |= {person for person, i in last.items() if owners.get(i, person) != person}
        (during if now < made.ends_s - 4.0 else after).extend(claims)
        top = best
    wrong = {person for person, i in last.items() if owners.get(i, person) != person}
    lost = made.people - sum(i in owners for i in last.values())
    return CrossingScore(
        made.traits,
        seed,
        made.people,
        len(wrong),
        len(strayed - wrong & set(last)),
        lost,
        tuple(during),
        tuple(after),
        tuple(top),
    )


def matched(snapshot: Shoppers, places: np.ndarray[Any, np.dtype[np.float64]]) -> dict[int, int]:
    """Return which confirmed shopper (index) stands where which person does, at most half a metre apart."""
    known = [k for k, s in enumerate(snapshot.shoppers) if s.state is TrackState.CONFIRMED]
    if not known:
        return {}
    found = np.array([snapshot.shoppers[k].mean[:2] for k in known])
    distance = np.linalg.norm(found[:, None] - places[None], axis=2)
    rows, people = linear_sum_assignment(np.minimum(distance, MATCH_M))
    return {known[r]: int(p) for r, p in zip(rows, people, strict=True) if distance[r, p] < MATCH_M}


def figures(scores: Sequence[CrossingScore]) -> dict[str, Any]:
    """Return all figures of some crossings; shares are of people, None without any."""
    people = sum(s.people for s in scores)
    top = [c for s in scores for c in s.top]
    claims = {
        "during": [c for s in scores for c in s.during],
        "after": [c for s in scores for c in s.after],
    }
    return {
        "crossings": len(scores),
        "people": people,
        "exchanged": _share(sum(s.exchanged for s in scores), people),
        "corrected": _share(sum(s.corrected for s in scores), people),
        "lost": _share(sum(s.lost for s in scores), people),
        "top_right": _share(sum(c.right for c in top), len(top)),
        "top_promised": _share(sum(c.probability for c in top), len(top)),
        **{phase: claim_figures(chosen) for phase, chosen in claims.items()},
        "all": claim_figures(claims["during"] + claims["after"]),
    }


def by_grade(scores: Sequence[CrossingScore]) -> Mapping[int, dict[str, Any]]:
    """Return the figures by how long it was dark."""
    grades = sorted({s.traits.grade for s in scores})
    return {grade: figures([s for s in scores if s.traits.grade == grade]) for grade in grades}


def claim_figures(claims: Sequence[Claim]) -> dict[str, Any]:
    """Return how right claims are: calibration error, Brier score, log score (nats), doubts and the bins."""
    bins = reliability(claims)
    scores = [math.log(max(c.probability if c.right else 1 - c.probability, _LEAST)) for c in claims]
    doubtful = [c for c in claims if DOUBTFUL[0] <= c.probability <= DOUBTFUL[1]]
    error = expected_calibration_error(bins)
    return {
        "claims": len(claims),
        "calibration_error": None if error is None else round(error, 4),
        "brier": _share(sum((c.probability - c.right) ** 2 for c in claims), len(claims)),
        "log_score": _share(sum(scores), len(claims)),
        "doubtful": len(doubtful),
        "doubtful_promised": _share(sum(c.probability for c in doubtful), len(doubtful)),
        "doubtful_right": _share(sum(c.right for c in doubtful), len(doubtful)),
        "bins": [asdict(b) for b in bins],
    }


def _share(part: float, whole: float) -> float | None:
    return round(part / whole, 4) if whole else None
