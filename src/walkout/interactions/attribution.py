"""Who took or returned what: hands, grams and the planogram, judged together.

Online, the events of the last seconds are explained jointly each time something new is known. At the exit the whole
visit is explained once more from the evidence that was kept, which also gives the odds of every count of every product.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from walkout.interactions.evidence import EventEvidence, TrackEvidence
from walkout.interactions.joint import (
    Assignment,
    JointHypothesis,
    JointParameters,
    JointSolver,
    Situation,
)
from walkout.interactions.likelihoods import ReachParameters, WeightModel, WeightParameters, reach
from walkout.interactions.planogram_belief import PlanogramBelief, PlanogramParameters
from walkout.interactions.shopper_history import ShopperHistory
from walkout.interactions.types import Hypothesis, Interaction, InteractionKind, VisitEstimate, WeightEvent
from walkout.store.model import Store
from walkout.tracking.types import Shoppers


@dataclass(frozen=True)
class AttributionParameters:
    """How events are explained.

    Attributes:
        reach: what is expected of hands.
        weight: what is expected of grams.
        planogram: how far the planogram is trusted.
        joint: how joint hypotheses are weighed.
        history_s: how long wrist trajectories are kept.
        wait_s: shoppers must be known this long after an event's onset before it is explained,
        patience_s: unless the event is older than this.
        window_s: events of this many seconds are explained jointly online; older ones stay as they are.
        keep_s: evidence of events older than this is dropped (longer than any visit).
        minimum_log_ratio: shoppers tied to an event less than this are not listed.
        certainty: no explanation is believed more than this.
        change: a probability must change by this much for a revised interaction to be told.
    """

    reach: ReachParameters = field(default_factory=ReachParameters)
    weight: WeightParameters = field(default_factory=WeightParameters)
    planogram: PlanogramParameters = field(default_factory=PlanogramParameters)
    joint: JointParameters = field(default_factory=JointParameters)
    history_s: float = 40.0
    wait_s: float = 0.8
    patience_s: float = 4.0
    window_s: float = 45.0
    keep_s: float = 4 * 3600.0
    minimum_log_ratio: float = -7.0
    certainty: float = 0.997
    change: float = 0.05

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        for name in ("history_s", "wait_s", "patience_s", "window_s", "keep_s", "change"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)}: must be positive")
        if not 0.5 < self.certainty < 1:
            raise ValueError(f"certainty is {self.certainty}: must be between 0.5 and 1")
        if self.history_s < self.patience_s + self.reach.lead_s:
            raise ValueError(f"history_s ({self.history_s}) must be longer than patience_s and the reach's lead")

    RANGES: ClassVar[Mapping[str, tuple[float, float]]] = {
        "history_s": (2, 600),
        "wait_s": (0.01, 30),
        "patience_s": (0.1, 120),
        "window_s": (1, 3600),
        "keep_s": (60, 604800),
        "minimum_log_ratio": (-50, 0),
        "certainty": (0.501, 0.999999),
        "change": (0.0001, 1),
    }


@dataclass
class _Case:
    """An event on its way: its evidence once the hands are known, its explanation once it was judged."""

    event: WeightEvent
    evidence: EventEvidence | None = None
    interaction: Interaction | None = None
    told: Interaction | None = None
    moved: tuple[str, str, float] | None = None


class Attributor:
    """Explains the weight events of a store."""

    def __init__(self, parameters: AttributionParameters, store: Store) -> None:
        """Explain the events of ``store``."""
        self._p = parameters
        self._store = store
        self.belief = PlanogramBelief(store, parameters.planogram)
        self._solver = JointSolver(parameters.joint, WeightModel(store.products, parameters.weight), self.belief)
        self._history = ShopperHistory(parameters.history_s, parameters.reach.forearm_share)
        self._cases: dict[str, _Case] = {}
        self._pinned: dict[str, Assignment] = {}
        self._stockers: set[int] = set()
        self._expected: set[int] = set()
        self._heirs: dict[int, int] = {}
        self._dirty = False

    def add_shoppers(self, shoppers: Shoppers) -> None:
        """Remember where everybody's hands are; a track that turns out to be another hands over what it did."""
        self._history.add(shoppers)
        for state in shoppers.shoppers:
            heir = state.heir
            if heir is not None and state.track_id not in self._heirs:
                self._heirs[state.track_id] = heir
                self._hand_over(state.track_id, heir)

    def add_event(self, event: WeightEvent) -> None:
        """Take a weight event; a final one replaces the provisional one of the same id.

        Raises ValueError for a lane that the store does not have.
        """
        unknown = [lane_id for lane_id in event.lane_ids if lane_id not in self._store.lane_sites]
        if unknown or not event.lane_ids:
            raise ValueError(f"weight event {event.event_id} names lanes {unknown} that the store does not have")
        known = self._cases.get(event.event_id)
        if known is None:
            self._cases[event.event_id] = _Case(event)
        elif known.event.provisional:
            known.event = event
            known.evidence = None
        self._dirty = True

    def mark_stocker(self, track_id: int) -> None:
        """Say that this track is staff who bring goods of the store: they may put back what they never took."""
        self._stockers.add(track_id)

    def unsettled(self, now_ns: int) -> bool:
        """Whether events are waiting for their weight to settle or for the hands to be known."""
        recent_ns = now_ns - int(20e9)
        return any(
            case.event.onset_ns > recent_ns and (case.event.provisional or case.evidence is None)
            for case in self._cases.values()
        )

    def advance(self, now_ns: int) -> list[Interaction]:
        """Explain what can be explained by now; return new and revised interactions in order of their events."""
        for case in self._cases.values():
            if case.evidence is None and self._ready(case.event, now_ns):
                case.evidence = self._gather(case.event)
                self._dirty = True
        if not self._dirty:
            return []
        self._dirty = False
        self._forget(now_ns)
        window_ns = now_ns - int(self._p.window_s * 1e9)
        recent = self._judged(case for case in self._cases.values() if case.event.onset_ns >= window_ns)
        if recent:
            before = [case for case in self._cases.values() if case.event.onset_ns < recent[0].event.onset_ns]
            self._explain(recent, Situation(self._held(before), frozenset(self._stockers)), live=True)
        return self._news(now_ns)

    def settle(self, track_ids: Iterable[int], from_ns: int, to_ns: int) -> list[Interaction]:
        """Explain the whole visit of these tracks once more and return its interactions."""
        return list(self.estimate_visit(track_ids, from_ns, to_ns).interactions)

    def estimate_visit(self, track_ids: Iterable[int], from_ns: int, to_ns: int) -> VisitEstimate:
        """Explain the whole visit of these tracks once more, with what the others did who may have done some of it."""
        party = frozenset(track_ids)
        inside = self._judged(case for case in self._cases.values() if from_ns <= case.event.onset_ns <= to_ns)
        theirs = [case for case in inside if self._involves(case, party)]
        others = {t for case in theirs for t in self._plausible(case)}
        chosen = [case for case in inside if self._involves(case, party | others)]
        if not chosen:
            return VisitEstimate((), {}, {}, {})
        ids = {case.event.event_id for case in chosen}
        before = [
            case
            for case in self._cases.values()
            if case.event.event_id not in ids and case.event.onset_ns < chosen[-1].event.onset_ns
        ]
        held = {key: count for key, count in self._held(before).items() if key[0] not in party}
        joint = self._explain(chosen, Situation(held, frozenset(self._stockers)))
        return self._visit(party, chosen, joint)

    def commit(self, track_ids: Iterable[int], skus: Iterable[str]) -> None:
        """Close the books on tracks that left and were billed for these products: nobody else can have taken those.

        What they may have done but were not billed for stays as doubtful as it was.
        """
        party, billed = frozenset(track_ids), frozenset(skus)
        for event_id, case in self._cases.items():
            if case.interaction is None:
                continue
            best = case.interaction.best
            if best.track_id in party and best.sku in billed:
                self._pinned[event_id] = Assignment(best.track_id, best.sku, best.quantity, best.kind)
        self._dirty = True

    def evidence_document(self, interaction_id: str) -> dict[str, Any] | None:
        """Return what a final interaction rests on as a document, None while it is not final or no longer known."""
        case = self._cases.get(_event_id(interaction_id))
        if case is None or case.evidence is None or case.event.provisional:
            return None
        return case.evidence.to_document()

    def expect(self, track_ids: Iterable[int]) -> None:
        """Say who is in the store after a restart, before anybody was seen."""
        self._expected |= set(track_ids)

    def restore(self, document: dict[str, Any]) -> None:
        """Take back the evidence of an event after a restart."""
        evidence = EventEvidence.from_document(document)
        self._cases[evidence.event.event_id] = _Case(evidence.event, evidence)
        self._dirty = True

    def belief_document(self) -> dict[str, dict[str, float]]:
        """Return what is believed to lie in the lanes beside the planogram, as a document."""
        return self.belief.to_document()

    def restore_belief(self, document: dict[str, dict[str, float]]) -> None:
        """Take back what ``belief_document`` gave."""
        self.belief.restore(document)

    def _hand_over(self, former: int, heir: int) -> None:
        """Let what a track may have done be what its heir may have done: both were one shopper all the time."""
        for case in self._cases.values():
            if case.evidence is not None and former in {track.track_id for track in case.evidence.tracks}:
                case.evidence = case.evidence.renamed(former, heir)
                self._dirty = True

    def _ready(self, event: WeightEvent, now_ns: int) -> bool:
        known_ns = event.onset_ns + int(self._p.wait_s * 1e9)
        return self._history.newest_ns >= known_ns or now_ns >= event.onset_ns + int(self._p.patience_s * 1e9)

    def _gather(self, event: WeightEvent) -> EventEvidence:
        """Tie everybody who was near to the event, over all that a track may be."""
        if not self._history.covers(event.onset_ns):
            # Nobody was watched (a restart): it may have been anybody who is here, with no hint as to whom.
            anybody = sorted(self._expected | self._history.tracks())
            return EventEvidence(event, tuple(TrackEvidence(track_id, 0.0) for track_id in anybody))
        lane_id = EventEvidence(event, ()).lane_id
        site, p = self._store.lane_sites[lane_id], self._p.reach
        ratios: dict[int, list[float]] = {}
        hands: dict[int, tuple[float, int]] = {}
        cameras: set[str] = set()
        from_ns, to_ns = event.onset_ns - int(p.lead_s * 1e9), event.onset_ns + int(p.lag_s * 1e9)
        for window in self._history.around(from_ns, to_ns):
            found = reach(window.track, site, event.onset_ns, p)
            if found.log_ratio > 0:
                cameras |= set(window.views)
            for candidate, probability in window.identity:
                track_id = self._heirs.get(candidate, candidate)
                ratio = found.log_ratio + float(np.log(max(probability, 1e-9)))
                ratios.setdefault(track_id, []).append(ratio)
                if ratio > hands.get(track_id, (-np.inf, -1))[0]:
                    hands[track_id] = (ratio, found.hand)
        tracks = [
            TrackEvidence(track_id, float(np.logaddexp.reduce(values)), hands[track_id][1])
            for track_id, values in sorted(ratios.items())
        ]
        likely = tuple(track for track in tracks if track.log_ratio > self._p.minimum_log_ratio)
        return EventEvidence(event, likely, tuple(sorted(cameras)))

    def _judged(self, cases: Iterable[_Case]) -> list[_Case]:
        ready = [case for case in cases if case.evidence is not None and abs(case.event.delta_g) > 0]
        return sorted(ready, key=lambda case: (case.event.onset_ns, case.event.event_id))

    def _explain(self, cases: list[_Case], situation: Situation, live: bool = False) -> list[JointHypothesis]:
        evidence = [case.evidence for case in cases if case.evidence is not None]
        joint = self._solver.solve(evidence, situation, self._pinned, live)
        for position, case in enumerate(cases):
            case.interaction = self._interaction(case, joint, position)
            self._learn(case)
        return joint

    def _interaction(self, case: _Case, joint: list[JointHypothesis], position: int) -> Interaction:
        odds: dict[Assignment, float] = {}
        for hypothesis in joint:
            chosen = hypothesis.assignments[position]
            odds[chosen] = odds.get(chosen, 0.0) + float(np.exp(hypothesis.log_probability))
        hypotheses = [
            Hypothesis(a.track_id, a.sku, a.quantity, a.kind, self._p.certainty * probability)
            for a, probability in odds.items()
            if probability > 1e-4
        ]
        hypotheses.sort(key=lambda h: (-h.probability, h.track_id, h.sku, h.quantity))
        return Interaction(_interaction_id(case.event), case.event, tuple(hypotheses[:12]))

    def _learn(self, case: _Case) -> None:
        """Move the planogram belief by what the best explanation says, and back by what it said before."""
        if case.interaction is None or case.evidence is None or case.event.provisional:
            return
        best = case.interaction.best
        moved = None
        if best.kind in (InteractionKind.TAKE, InteractionKind.RETURN):
            sign = 1 if best.kind is InteractionKind.RETURN else -1
            moved = (case.evidence.lane_id, best.sku, sign * best.quantity * best.probability)
        if moved is None or case.moved is None or moved[:2] != case.moved[:2] or abs(moved[2] - case.moved[2]) > 0.1:
            if case.moved is not None:
                self.belief.move(case.moved[0], case.moved[1], -case.moved[2])
            if moved is not None:
                self.belief.move(*moved)
            case.moved = moved

    def _held(self, cases: Iterable[_Case]) -> dict[tuple[int, str], int]:
        """Return what everybody holds by the best explanations of these cases."""
        held: dict[tuple[int, str], int] = {}
        for case in sorted(cases, key=lambda c: c.event.onset_ns):
            if case.interaction is None:
                continue
            best = case.interaction.best
            change = {InteractionKind.TAKE: best.quantity, InteractionKind.RETURN: -best.quantity}.get(best.kind, 0)
            if change:
                held[best.track_id, best.sku] = max(0, held.get((best.track_id, best.sku), 0) + change)
        return held

    def _news(self, now_ns: int) -> list[Interaction]:
        news = []
        for case in sorted(self._cases.values(), key=lambda c: (c.event.onset_ns, c.event.event_id)):
            if abs(case.event.delta_g) == 0 and not case.event.provisional and case.told is not None:
                nothing = Hypothesis(0, "", 0, InteractionKind.TOUCH, self._p.certainty)
                case.interaction = Interaction(_interaction_id(case.event), case.event, (nothing,))
            if case.interaction is not None and self._is_news(case):
                case.told = case.interaction
                news.append(case.interaction)
        return news

    def _is_news(self, case: _Case) -> bool:
        if case.told is None or case.interaction is None:
            return case.interaction is not None
        new, old = case.interaction.best, case.told.best
        same = replace(new, probability=0.0) == replace(old, probability=0.0)
        settled = case.interaction.event.provisional == case.told.event.provisional
        return not same or not settled or abs(new.probability - old.probability) > self._p.change

    def _plausible(self, case: _Case) -> set[int]:
        """Return the tracks that may have done it with more than a few per cent."""
        if case.evidence is None:
            return set()
        tracks = case.evidence.tracks
        best = max([track.log_ratio for track in tracks], default=0.0)
        floor = max(best, float(np.log(self._p.joint.nobody))) - 5.0
        return {track.track_id for track in tracks if track.log_ratio > floor}

    def _involves(self, case: _Case, tracks: frozenset[int] | set[int]) -> bool:
        pinned = self._pinned.get(case.event.event_id)
        if pinned is not None:
            return pinned.track_id in tracks
        return not self._plausible(case).isdisjoint(tracks)

    def _visit(self, party: frozenset[int], cases: list[_Case], joint: list[JointHypothesis]) -> VisitEstimate:
        counts: dict[str, dict[int, float]] = {}
        skus = {key[1] for h in joint for key in h.holdings if key[0] in party}
        for sku in sorted(skus):
            odds: dict[int, float] = {}
            for hypothesis in joint:
                count = sum(hypothesis.holdings.get((track_id, sku), 0) for track_id in party)
                odds[count] = odds.get(count, 0.0) + self._p.certainty * float(np.exp(hypothesis.log_probability))
            counts[sku] = odds
        theirs = [c for c in cases if c.interaction is not None and self._share(c.interaction, party) > 0.02]
        ids: dict[str, list[str]] = {}
        cameras: dict[str, set[str]] = {}
        for case in theirs:
            for sku in {h.sku for h in _hypotheses(case) if h.track_id in party and h.probability > 0.02 and h.sku}:
                ids.setdefault(sku, []).append(_interaction_id(case.event))
                cameras.setdefault(sku, set()).update(case.evidence.cameras if case.evidence else ())
        return VisitEstimate(
            tuple(case.interaction for case in theirs if case.interaction is not None),
            counts,
            {sku: tuple(values) for sku, values in ids.items()},
            {sku: tuple(sorted(values)) for sku, values in cameras.items()},
        )

    def _share(self, interaction: Interaction, party: frozenset[int]) -> float:
        return sum(h.probability for h in interaction.hypotheses if h.track_id in party)

    def _forget(self, now_ns: int) -> None:
        oldest_ns = now_ns - int(self._p.keep_s * 1e9)
        for event_id in [key for key, case in self._cases.items() if case.event.end_ns < oldest_ns]:
            del self._cases[event_id]
            self._pinned.pop(event_id, None)


def _hypotheses(case: _Case) -> tuple[Hypothesis, ...]:
    return case.interaction.hypotheses if case.interaction is not None else ()


def _interaction_id(event: WeightEvent) -> str:
    return f"i:{event.event_id}"


def _event_id(interaction_id: str) -> str:
    return interaction_id.removeprefix("i:")
