"""Explaining many events at once: a beam over joint hypotheses of who took or returned what.

Events couple through what people hold (nobody returns what he does not have), through strangers that put-backs leave in
lanes, through hands (one hand is in one lane at a time), and through what changes hands where hands have met. A
hypothesis is one explanation of every event so far with its probability; the probability of any statement is the sum
over the hypotheses in which it holds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from walkout.interactions.evidence import EventEvidence, TrackEvidence
from walkout.interactions.joint_parameters import JointParameters
from walkout.interactions.likelihoods import WeightModel
from walkout.interactions.meetings import HandsMet
from walkout.interactions.planogram_belief import PlanogramBelief
from walkout.interactions.types import InteractionKind

FloatArray = NDArray[np.float64]
Holding = tuple[int, str]
Stranger = tuple[str, str]
Step = EventEvidence | HandsMet
Given = tuple[int, int, str]
"""Who gave whom one piece of what."""


@dataclass(frozen=True)
class Assignment:
    """One explanation of one event. ``track_id`` 0: nobody known; ``sku`` "": no product.

    ``other`` is what somebody else did in the same lane at the same moment, when two moved pieces of one event.
    """

    track_id: int
    sku: str
    quantity: int
    kind: InteractionKind
    other: Assignment | None = None

    @property
    def parts(self) -> tuple[Assignment, ...]:
        """What each one did who had a share in it."""
        return (self,) if self.other is None else (replace(self, other=None), self.other)


NOTHING = Assignment(0, "", 0, InteractionKind.TOUCH)
"""That nobody has done anything."""


@dataclass(frozen=True)
class Pin:
    """What is no longer open of an event: these ``parts`` of its explanation; ``whole`` when they are all of it."""

    parts: tuple[Assignment, ...]
    whole: bool


@dataclass(frozen=True)
class _Candidate:
    """An explanation of one event by itself. ``lift`` is what it gains when the product is a stranger in the lane.

    ``hands`` are the known hands that did it: track and 0 left, 1 right. ``after`` is the place of an earlier event
    that was a resting hand's, whose grams are part of this one's.
    """

    assignment: Assignment
    log_score: float
    hands: tuple[tuple[int, int], ...]
    in_lane: bool
    lift: float = 0.0
    after: int | None = None


@dataclass(frozen=True)
class _Doer:
    """Somebody who may have done it: log ratio against chance, the hand if known."""

    track_id: int
    log_ratio: float
    hands: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class JointHypothesis:
    """An explanation of all events: ``assignments`` in their order, what everybody holds after them."""

    log_probability: float
    assignments: tuple[Assignment, ...]
    hands: tuple[tuple[tuple[int, int], ...], ...]
    holdings: dict[Holding, int]
    strangers: dict[Stranger, int]


@dataclass(frozen=True)
class Situation:
    """What is known before the first event: what everybody holds, and tracks that carry goods of the store's own."""

    holdings: dict[Holding, int]
    stockers: frozenset[int] = frozenset()


class JointSolver:
    """Explains sequences of events."""

    def __init__(self, parameters: JointParameters, weights: WeightModel, belief: PlanogramBelief) -> None:
        """Use the given weight model and planogram belief; both give products in the same order."""
        self._p = parameters
        self._log_not_held = float(np.log(parameters.not_held))
        self._log_both_hands = float(np.log(parameters.both_hands))
        self._log_same_hand = float(np.log(parameters.same_hand))
        self._log_together = float(np.log(parameters.together))
        self._weights = weights
        self._belief = belief

    def solve(
        self, events: Sequence[Step], situation: Situation, pinned: dict[str, Pin], live: bool = False
    ) -> list[JointHypothesis]:
        """Return joint hypotheses of ``events`` (in time order), best first, probabilities summing to 1.

        Hands that met among them move what people hold; their explanation in a hypothesis is that nothing was weighed.

        Events whose id is in ``pinned`` are explained as given there, as far as it goes. ``live`` looks at
        fewer hypotheses.
        """
        width = self._p.live_beam if live else self._p.beam
        beam = [JointHypothesis(0.0, (), (), dict(situation.holdings), {})]
        for index, evidence in enumerate(events):
            if isinstance(evidence, HandsMet):
                beam = self._exchange(beam, evidence, width)
                continue
            pin = pinned.get(evidence.event.event_id)
            candidates = self._open_candidates(evidence, pin)
            rested = [] if pin else self._after_rest(events, index)
            near = [
                position
                for position in range(max(0, index - 6), index)
                if abs(_stamp_ns(events[position]) - evidence.event.onset_ns) < self._p.same_hand_s * 1e9
            ]
            beam = self._extend(beam, candidates, rested, evidence, near, situation, width)
        return beam

    def _open_candidates(self, evidence: EventEvidence, pin: Pin | None) -> list[_Candidate]:
        """Return the explanations of an event that what is pinned of it leaves open."""
        if pin is None:
            return self._candidates(evidence)
        if not pin.whole:
            candidates = [c for c in self._candidates(evidence) if set(pin.parts) <= set(c.assignment.parts)]
            if candidates:
                return candidates
        first, *rest = pin.parts
        return [_Candidate(replace(first, other=rest[0] if rest else None), 0.0, (), True)]

    def _after_rest(self, events: Sequence[Step], index: int) -> list[_Candidate]:
        """Return the explanations of an event together with the one before it in its lane, were that a resting hand.

        A hand that holds an item on the plate for long moves the level in steps of which only the sum is an item.
        """
        evidence = events[index]
        if isinstance(evidence, HandsMet):
            return []
        event, since_ns = evidence.event, evidence.event.onset_ns - int(self._p.rest_s * 1e9)
        for place in range(index - 1, -1, -1):
            before = events[place]
            if isinstance(before, HandsMet) or before.lane_id != evidence.lane_id:
                continue
            whole = before.event.delta_g + event.delta_g
            if before.event.end_ns < since_ns or whole == 0.0 or not math.isfinite(whole):
                return []
            together = replace(event, delta_g=whole, sd_g=float(np.hypot(before.event.sd_g, event.sd_g)))
            candidates = self._candidates(replace(evidence, event=together))
            return [replace(candidate, after=place, lift=0.0) for candidate in candidates]
        return []

    def _candidates(self, evidence: EventEvidence) -> list[_Candidate]:
        event, p = evidence.event, self._p
        if not event.weighed:
            return self._unweighed_candidates(evidence)
        kind = InteractionKind.TAKE if event.delta_g < 0 else InteractionKind.RETURN
        lane_id = evidence.lane_id
        taken = kind is InteractionKind.TAKE
        lane_odds = self._belief.take_log_odds(lane_id) if taken else self._belief.return_log_odds(lane_id)
        # Strangers are found by their weight: their low odds are lifted in the hypotheses in which somebody left them.
        lifts = np.maximum(0.0, self._belief.stranger_log_odds() - lane_odds) if taken else np.zeros(len(lane_odds))
        scores = self._weights.log_likelihood(event.delta_g, event.sd_g) + lane_odds[:, None]
        bounds = scores + lifts[:, None]
        order = np.argsort(bounds, axis=None)[::-1][: p.explanations]
        own = self._belief.own_sku(lane_id)
        doers = self._doers(evidence)
        nothing = self._weights.unexplained(event.delta_g) + float(np.log(p.unexplained))
        candidates = []
        for flat in order:
            product, count = divmod(int(flat), scores.shape[1])
            sku, score = self._belief.skus[product], float(scores.flat[flat])
            in_lane = sku == own
            lift = 0.0 if in_lane else float(lifts[product])
            for doer in doers:
                assignment = Assignment(doer.track_id, sku, count + 1, kind)
                candidates.append(_Candidate(assignment, doer.log_ratio + score, doer.hands, in_lane, lift))
            for assignment, ratio, hands in self._pairs(doers, sku, count + 1, kind):
                candidates.append(_Candidate(assignment, ratio + score, hands, in_lane, lift))
        for doer in doers:
            touch = Assignment(doer.track_id, "", 0, InteractionKind.TOUCH)
            candidates.append(_Candidate(touch, doer.log_ratio + nothing, doer.hands, True))
        return sorted(candidates, key=lambda candidate: -candidate.log_score)

    def _unweighed_candidates(self, evidence: EventEvidence) -> list[_Candidate]:
        """Return what a reach into a lane without a working cell may have been: one piece taken, or nothing."""
        take = Assignment(0, self._belief.own_sku(evidence.lane_id), 1, InteractionKind.TAKE)
        odds = [(NOTHING, np.log1p(-self._p.unweighed_take))]
        if take.sku:
            odds.append((take, np.log(self._p.unweighed_take)))
        candidates = [
            _Candidate(replace(done, track_id=doer.track_id), doer.log_ratio + float(score), doer.hands, True)
            for doer in self._doers(evidence)
            for done, score in odds
        ]
        return sorted(candidates, key=lambda candidate: -candidate.log_score)

    def _doers(self, evidence: EventEvidence) -> list[_Doer]:
        return [*map(_doer, evidence.tracks), _Doer(0, float(np.log(self._p.nobody)), ())]

    def _pairs(
        self, doers: list[_Doer], sku: str, quantity: int, kind: InteractionKind
    ) -> Iterator[tuple[Assignment, float, tuple[tuple[int, int], ...]]]:
        """Yield the ways in which two of ``doers`` share these pieces: what they did, log odds, their hands.

        The weight's score has the odds that one takes so many at once; here each takes his own number.
        """
        if quantity < 2:
            return
        best = max(doer.log_ratio for doer in doers)
        able = [doer for doer in doers if doer.log_ratio > best - self._p.prune / 2]
        for first, second in combinations(able, 2):
            for share in range(1, quantity):
                log_counts = self._weights.log_count(share) + self._weights.log_count(quantity - share)
                odds = self._log_together + log_counts - self._weights.log_count(quantity)
                other = Assignment(second.track_id, sku, quantity - share, kind)
                assignment = Assignment(first.track_id, sku, share, kind, other)
                yield assignment, odds + first.log_ratio + second.log_ratio, first.hands + second.hands

    def _extend(
        self,
        beam: list[JointHypothesis],
        candidates: list[_Candidate],
        rested: list[_Candidate],
        evidence: EventEvidence,
        near: list[int],
        situation: Situation,
        width: int,
    ) -> list[JointHypothesis]:
        scored: list[tuple[float, int, _Candidate]] = []
        lane_id, best = evidence.lane_id, -np.inf
        lifted = [candidate for candidate in candidates if candidate.lift > 0]
        for position, hypothesis in enumerate(beam):
            more = [(candidate, 0.0) for candidate in rested if _was_touch(hypothesis, candidate)]
            if hypothesis.strangers:
                more += [(c, c.lift) for c in lifted if _has_strangers(hypothesis, lane_id, c.assignment)]
            for candidate in candidates:
                # Couplings only take away, and the candidates come by falling score.
                if hypothesis.log_probability + candidate.log_score < best - self._p.prune:
                    break
                scored.append((self._score(hypothesis, candidate, 0.0, near, situation), position, candidate))
                best = max(best, scored[-1][0])
            for candidate, lift in more:
                scored.append((self._score(hypothesis, candidate, lift, near, situation), position, candidate))
                best = max(best, scored[-1][0])
        scored.sort(key=lambda entry: -entry[0])
        kept = [entry for entry in scored[:width] if entry[0] > scored[0][0] - self._p.prune]
        total = float(np.logaddexp.reduce([entry[0] for entry in kept]))
        return [_follow(beam[position], candidate, evidence, score - total) for score, position, candidate in kept]

    def _exchange(self, beam: list[JointHypothesis], met: HandsMet, width: int) -> list[JointHypothesis]:
        """Follow every hypothesis with nothing given, one piece given, or one swapped for another."""
        scored: list[tuple[float, int, tuple[Given, ...]]] = []
        for position, hypothesis in enumerate(beam):
            for given, odds in self._exchanges(hypothesis, met):
                scored.append((hypothesis.log_probability + float(np.log(odds)), position, given))
        scored.sort(key=lambda entry: -entry[0])
        kept = [entry for entry in scored[:width] if entry[0] > scored[0][0] - self._p.prune]
        total = float(np.logaddexp.reduce([entry[0] for entry in kept]))
        return [_give(beam[position], given, score - total) for score, position, given in kept]

    def _exchanges(self, hypothesis: JointHypothesis, met: HandsMet) -> Iterator[tuple[tuple[Given, ...], float]]:
        """Yield what may have changed hands, with its probability: every product that they hold is as likely."""
        first, second = met.tracks
        held = [(track, sku) for (track, sku), count in sorted(hypothesis.holdings.items()) if count > 0]
        gifts = [(track, second if track == first else first, sku) for track, sku in held if track in met.tracks]
        swaps = [(a, b) for a, b in combinations(gifts, 2) if a[0] != b[0] and a[2] != b[2]]
        yield (), 1.0 - self._p.exchange if gifts else 1.0
        swap = self._p.swap if swaps else 0.0
        for gift in gifts:
            yield (gift,), self._p.exchange * (1.0 - swap) / len(gifts)
        for pair in swaps:
            yield pair, self._p.exchange * swap / len(swaps)

    def _score(
        self, hypothesis: JointHypothesis, candidate: _Candidate, lift: float, near: list[int], situation: Situation
    ) -> float:
        coupling = self._coupling(hypothesis, candidate, near, situation)
        return hypothesis.log_probability + candidate.log_score + lift + coupling

    def _coupling(
        self,
        hypothesis: JointHypothesis,
        candidate: _Candidate,
        near: list[int],
        situation: Situation,
    ) -> float:
        """Return how the earlier events of the hypothesis change the odds of this explanation, in nats."""
        score = 0.0
        for part in candidate.assignment.parts:
            if part.kind is not InteractionKind.RETURN:
                continue
            if part.track_id == 0:
                # Nobody known may hold anything, yet a product from nowhere is odd too.
                score += 0.5 * self._log_not_held
            elif part.track_id not in situation.stockers:
                held = hypothesis.holdings.get((part.track_id, part.sku), 0)
                score += self._log_not_held if held < part.quantity else 0.0
        movers = _movers(candidate.assignment)
        for position in near:
            score += self._log_both_hands * len(movers & _movers(hypothesis.assignments[position]))
            score += self._log_same_hand * len(set(candidate.hands) & set(hypothesis.hands[position]))
        return score


def _stamp_ns(step: Step) -> int:
    return step.stamp_ns if isinstance(step, HandsMet) else step.event.onset_ns


def _give(hypothesis: JointHypothesis, given: tuple[Given, ...], log_probability: float) -> JointHypothesis:
    """Return the hypothesis after these pieces have changed hands."""
    holdings = dict(hypothesis.holdings)
    for giver, taker, sku in given:
        holdings[giver, sku] -= 1
        holdings[taker, sku] = holdings.get((taker, sku), 0) + 1
    return JointHypothesis(
        log_probability,
        (*hypothesis.assignments, NOTHING),
        (*hypothesis.hands, ()),
        holdings,
        hypothesis.strangers,
    )


def _was_touch(hypothesis: JointHypothesis, candidate: _Candidate) -> bool:
    """Whether the event before was a touch of the one who is said to do this."""
    before = hypothesis.assignments[candidate.after] if candidate.after is not None else NOTHING
    same = before.track_id == candidate.assignment.track_id
    return same and before.kind is InteractionKind.TOUCH and candidate.assignment.other is None


def _has_strangers(hypothesis: JointHypothesis, lane_id: str, chosen: Assignment) -> bool:
    """Whether so many pieces of the product lie in the lane that does not have it by the planogram."""
    wanted = sum(part.quantity for part in chosen.parts)
    return hypothesis.strangers.get((lane_id, chosen.sku), 0) >= wanted


def _movers(assignment: Assignment) -> set[int]:
    """Return the known tracks that took or returned something."""
    return {part.track_id for part in assignment.parts if part.sku and part.track_id}


def _doer(track: TrackEvidence) -> _Doer:
    return _Doer(track.track_id, track.log_ratio, ((track.track_id, track.hand),) if track.hand >= 0 else ())


def _follow(
    hypothesis: JointHypothesis, candidate: _Candidate, evidence: EventEvidence, log_probability: float
) -> JointHypothesis:
    """Return the hypothesis after one more explained event."""
    chosen = candidate.assignment
    holdings, strangers = dict(hypothesis.holdings), hypothesis.strangers
    for part in chosen.parts:
        if part.kind not in (InteractionKind.TAKE, InteractionKind.RETURN):
            continue
        change = part.quantity if part.kind is InteractionKind.TAKE else -part.quantity
        key = (part.track_id, part.sku)
        # What is put back without having been held was never billed: it gives no credit.
        holdings[key] = max(0, holdings.get(key, 0) + change)
        if not candidate.in_lane:
            strangers = dict(strangers)
            place = (evidence.lane_id, part.sku)
            strangers[place] = max(0, strangers.get(place, 0) - change)
    return JointHypothesis(
        log_probability,
        (*hypothesis.assignments, chosen),
        (*hypothesis.hands, candidate.hands),
        holdings,
        strangers,
    )
