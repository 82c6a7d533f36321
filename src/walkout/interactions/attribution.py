"""Who took or returned what: hands, grams and the planogram, judged together.

Online, the events of the last seconds are explained jointly each time something new is known. At the exit the whole
visit is explained once more from the evidence that was kept, which also gives the odds of every count of every product.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from walkout.interactions.bodies import BodyEvidence, Correction, bodies_at, cameras_of, correct, spread
from walkout.interactions.evidence import EventEvidence, TrackEvidence
from walkout.interactions.joint import Assignment, JointHypothesis, JointSolver, Pin, Situation, Step
from walkout.interactions.joint_parameters import JointParameters
from walkout.interactions.lane_split import LaneSplitter
from walkout.interactions.likelihoods import ReachParameters, WeightModel, WeightParameters
from walkout.interactions.meetings import HandsMet, HandWatch, MeetingParameters
from walkout.interactions.planogram_belief import PlanogramBelief, PlanogramParameters
from walkout.interactions.shares import assignment_of, beside, event_id_of, interaction_ids, nothing_of
from walkout.interactions.shopper_history import ShopperHistory
from walkout.interactions.types import Hypothesis, Interaction, InteractionKind, VisitEstimate, WeightEvent
from walkout.interactions.unweighed import UnweighedParameters, UnweighedReaches
from walkout.interactions.visit import HARDLY, visit_estimate
from walkout.store.model import Store
from walkout.tracking.types import Shoppers

_SIGNS = {InteractionKind.TAKE: 1, InteractionKind.RETURN: -1}
_TOUCHED = Hypothesis(0, "", 0, InteractionKind.TOUCH, 0.0)


@dataclass(frozen=True)
class AttributionParameters:
    """How events are explained.

    Attributes:
        reach: what is expected of hands.
        weight: what is expected of grams.
        planogram: how far the planogram is trusted.
        joint: how joint hypotheses are weighed.
        meeting: when hands have met, so that something may have changed hands.
        unweighed: when a reach into a lane without a working load cell is one to ask about.
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
    meeting: MeetingParameters = field(default_factory=MeetingParameters)
    unweighed: UnweighedParameters = field(default_factory=UnweighedParameters)
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
    """An event on its way: its evidence once the hands are known, its explanation once it was judged.

    ``bodies`` is what the evidence rests on, while the process lives. ``interactions`` has a second one when two
    shoppers may have shared the pieces; it says what the other one did.
    """

    event: WeightEvent
    evidence: EventEvidence | None = None
    bodies: tuple[BodyEvidence, ...] = ()
    interactions: tuple[Interaction, ...] = ()
    told: dict[str, Interaction] = field(default_factory=dict)
    moved: dict[str, float] = field(default_factory=dict)


class Attributor:
    """Explains the weight events of a store."""

    def __init__(self, parameters: AttributionParameters, store: Store) -> None:
        """Explain the events of ``store``."""
        self._p = parameters
        self._store = store
        self.belief = PlanogramBelief(store, parameters.planogram)
        weights, joint = WeightModel(store.products, parameters.weight), parameters.joint
        self._solver = JointSolver(joint, weights, self.belief)
        self._splitter = LaneSplitter(joint.together, joint.unexplained, weights, self.belief)
        self._history = ShopperHistory(parameters.history_s, parameters.reach.forearm_share)
        self._hands = HandWatch(parameters.meeting, store)
        self._unweighed = UnweighedReaches(parameters.unweighed, parameters.reach, store)
        self._met: list[HandsMet] = []
        self._new_met: list[HandsMet] = []
        self._cases: dict[str, _Case] = {}
        self._pinned: dict[str, Pin] = {}
        self._stockers: set[int] = set()
        self._expected: set[int] = set()
        self._heirs: dict[int, int] = {}
        self._corrections: list[Correction] = []
        self._dirty = False

    def add_shoppers(self, shoppers: Shoppers) -> None:
        """Remember where everybody's hands are; a track that turns out to be another hands over what it did."""
        self._history.add(shoppers)
        self._unweighed.add(shoppers)
        met = [self._under_heirs(one) for one in self._hands.add(shoppers)]
        self._met += met
        self._new_met += met
        self._dirty |= bool(met)
        for state in shoppers.shoppers:
            heir = state.heir
            if heir is not None and state.track_id not in self._heirs:
                self._heirs[state.track_id] = heir
                self._hand_over(state.track_id, heir)
            if state.revision is not None:
                self._correct(Correction(state.track_id, state.revision, shoppers.stamp_ns))

    def add_event(self, event: WeightEvent) -> None:
        """Take a weight event; a final one replaces the provisional one of the same id.

        Raises ValueError for a lane that the store does not have.
        """
        unknown = [lane_id for lane_id in event.lane_ids if lane_id not in self._store.lane_sites]
        if unknown or not event.lane_ids:
            raise ValueError(f"weight event {event.event_id} names lanes {unknown} that the store does not have")
        self._unweighed.felt(event)
        parts = {part.event_id: part for part in self._splitter.split(event)}
        before = [name for name in self._cases if name == event.event_id or name.startswith(f"{event.event_id}+")]
        for name in dict.fromkeys((*before, *parts)):
            known = self._cases.get(name)
            if known is None:
                self._cases[name] = _Case(parts[name])
            elif known.event.provisional:
                # What the provisional event had in parts of its own and the final one has not, has come to nothing.
                known.event = parts.get(name) or nothing_of(known.event)
                known.evidence = None
        self._dirty = True

    def set_dead_lanes(self, fixture_id: str, lane_ids: Iterable[str]) -> None:
        """Say which lanes of a fixture weigh nothing at present: reaches into them are asked about."""
        self._unweighed.set_dead(fixture_id, lane_ids)

    def mark_stocker(self, track_id: int) -> None:
        """Say that this track is staff who bring goods of the store: they may put back what they never took."""
        self._stockers.add(track_id)

    def unsettled(self, now_ns: int) -> bool:
        """Whether events are waiting for their weight to settle or for the hands to be known."""
        recent_ns = now_ns - int(20e9)
        return self._unweighed.waiting or any(
            case.event.onset_ns > recent_ns and (case.event.provisional or case.evidence is None)
            for case in self._cases.values()
        )

    def advance(self, now_ns: int) -> list[Interaction]:
        """Explain what can be explained by now; return new and revised interactions in order of their events."""
        for event in self._unweighed.take(now_ns):
            self._cases[event.event_id] = _Case(event)
        for case in self._cases.values():
            if case.evidence is None and self._ready(case.event, now_ns):
                case.evidence, case.bodies = self._gather(case.event)
                self._dirty = True
        if not self._dirty:
            return []
        self._dirty = False
        self._forget(now_ns)
        window_ns = now_ns - int(self._p.window_s * 1e9)
        recent = self._judged(case for case in self._cases.values() if case.event.onset_ns >= window_ns)
        if recent:
            before = [case for case in self._cases.values() if case.event.onset_ns < recent[0].event.onset_ns]
            met = [one for one in self._met if one.stamp_ns >= recent[0].event.onset_ns]
            self._explain(recent, met, Situation(self._held(before), frozenset(self._stockers)), live=True)
        return self._news(now_ns)

    def settle(self, track_ids: Iterable[int], from_ns: int, to_ns: int) -> list[Interaction]:
        """Explain the whole visit of these tracks once more and return its interactions."""
        return list(self.estimate_visit(track_ids, from_ns, to_ns).interactions)

    def estimate_visit(self, track_ids: Iterable[int], from_ns: int, to_ns: int) -> VisitEstimate:
        """Explain the whole visit of these tracks once more, with what the others did who may have done some of it."""
        party = frozenset(track_ids)
        inside = self._judged(case for case in self._cases.values() if from_ns <= case.event.onset_ns <= to_ns)
        theirs = [case for case in inside if self._involves(case, party)]
        met = [one for one in self._met if from_ns <= one.stamp_ns <= to_ns and one.other(party) is not None]
        partners = {track for one in met for track in one.tracks} - party
        others = partners | {t for case in theirs for t in self._plausible(case)}
        chosen = [case for case in inside if self._involves(case, party | others)]
        if not chosen:
            return VisitEstimate((), {}, {}, {})
        ids = {case.event.event_id for case in chosen}
        last_ns = to_ns if met else chosen[-1].event.onset_ns
        before = [
            case for case in self._cases.values() if case.event.event_id not in ids and case.event.onset_ns < last_ns
        ]
        held = {key: count for key, count in self._held(before).items() if key[0] not in party}
        joint = self._explain(chosen, met, Situation(held, frozenset(self._stockers)))
        judged = [(i, case.evidence.cameras) for case in chosen if case.evidence for i in case.interactions]
        return visit_estimate(party, judged, tuple(met), joint, self._p.certainty)

    def commit(self, track_ids: Iterable[int], skus: Iterable[str]) -> None:
        """Close the books on tracks that left and were billed for these products: nobody else can have taken those.

        What they may have done but were not billed for stays as doubtful as it was.
        """
        party, billed = frozenset(track_ids), frozenset(skus)
        for event_id, case in self._cases.items():
            done = [assignment_of(i.best) for i in case.interactions if i.best.kind is not InteractionKind.TOUCH]
            theirs = tuple(part for part in done if part.track_id in party and part.sku in billed)
            if theirs:
                before = self._pinned[event_id].parts if event_id in self._pinned else ()
                parts = tuple(dict.fromkeys((*before, *theirs)))
                self._pinned[event_id] = Pin(parts, len(parts) >= len(done))
        self._dirty = True

    def evidence_document(self, interaction_id: str) -> dict[str, Any] | None:
        """Return what a final interaction rests on as a document, None while it is not final or no longer known."""
        case = self._cases.get(event_id_of(interaction_id))
        if case is None or case.evidence is None or case.event.provisional:
            return None
        return case.evidence.to_document()

    def take_meetings(self) -> list[HandsMet]:
        """Return whose hands have met since the last call, to be written down."""
        new, self._new_met = self._new_met, []
        return new

    def restore_meeting(self, document: dict[str, Any]) -> None:
        """Take back a meeting of hands after a restart."""
        self._met.append(HandsMet(**document))
        self._dirty = True

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
        self._met = [self._under_heirs(met) for met in self._met]
        for case in self._cases.values():
            if case.evidence is not None and former in {track.track_id for track in case.evidence.tracks}:
                case.evidence = case.evidence.renamed(former, heir)
                self._dirty = True

    def _under_heirs(self, met: HandsMet) -> HandsMet:
        for track_id in met.tracks:
            met = met.renamed(track_id, self._heirs.get(track_id, track_id))
        return met

    def _ready(self, event: WeightEvent, now_ns: int) -> bool:
        known_ns = event.onset_ns + int(self._p.wait_s * 1e9)
        return self._history.newest_ns >= known_ns or now_ns >= event.onset_ns + int(self._p.patience_s * 1e9)

    def _gather(self, event: WeightEvent) -> tuple[EventEvidence, tuple[BodyEvidence, ...]]:
        """Tie everybody who was near to the event, over all that a track may be."""
        if not self._history.covers(event.onset_ns):
            # Nobody was watched (a restart): it may have been anybody who is here, with no hint as to whom.
            anybody = sorted(self._expected | self._history.tracks())
            return EventEvidence(event, tuple(TrackEvidence(track_id, 0.0) for track_id in anybody)), ()
        site = self._store.lane_sites[EventEvidence(event, ()).lane_id]
        bodies = bodies_at(self._history, site, event, self._p.reach)
        return self._spread(EventEvidence(event, (), cameras_of(bodies)), bodies), bodies

    def _spread(self, evidence: EventEvidence, bodies: Sequence[BodyEvidence]) -> EventEvidence:
        """Return the evidence with what is known by now of whose these bodies were."""
        known = correct(bodies, self._corrections, evidence.event.onset_ns)
        return replace(evidence, tracks=spread(known, self._heirs, self._p.minimum_log_ratio))

    def _correct(self, correction: Correction) -> None:
        """Let events be judged anew whose doers are known better now."""
        self._corrections.append(correction)
        for case in self._cases.values():
            if case.bodies and case.evidence is not None and correction.concerns(case.event.onset_ns):
                case.evidence = self._spread(case.evidence, case.bodies)
                self._dirty = True

    def _judged(self, cases: Iterable[_Case]) -> list[_Case]:
        ready = [case for case in cases if case.evidence is not None and case.event.delta_g != 0]
        return sorted(ready, key=lambda case: (case.event.onset_ns, case.event.event_id))

    def _explain(
        self, cases: list[_Case], met: list[HandsMet], situation: Situation, live: bool = False
    ) -> list[JointHypothesis]:
        """Explain these cases and what may have changed hands at these meetings, all in the order of time."""
        steps: list[tuple[int, Step, _Case | None]] = [(one.stamp_ns, one, None) for one in met]
        steps += [(case.event.onset_ns, case.evidence, case) for case in cases if case.evidence is not None]
        steps.sort(key=lambda step: (step[0], step[2].event.event_id if step[2] else ""))
        joint = self._solver.solve([step for _, step, _ in steps], situation, self._pinned, live)
        for position, (_, _, case) in enumerate(steps):
            if case is not None:
                case.interactions = self._interactions(case, joint, position)
                self._learn(case)
        return joint

    def _interactions(self, case: _Case, joint: list[JointHypothesis], position: int) -> tuple[Interaction, ...]:
        """Return what the first and, if the event may be shared, the second shopper did, by falling probability."""
        odds: tuple[dict[Assignment, float], dict[Assignment, float]] = ({}, {})
        best, shared = joint[0].assignments[position], 0.0
        for hypothesis in joint:
            probability = float(np.exp(hypothesis.log_probability))
            chosen = hypothesis.assignments[position]
            first, second = beside(best, chosen)
            odds[0][first] = odds[0].get(first, 0.0) + probability
            odds[1][second] = odds[1].get(second, 0.0) + probability
            shared += probability if chosen.other is not None else 0.0
        names = interaction_ids(case.event)[: 1 + (shared > HARDLY or len(case.told) > 1)]
        return tuple(Interaction(n, case.event, self._hypotheses(o)) for n, o in zip(names, odds, strict=False))

    def _hypotheses(self, odds: dict[Assignment, float]) -> tuple[Hypothesis, ...]:
        hypotheses = [
            Hypothesis(a.track_id, a.sku, a.quantity, a.kind, self._p.certainty * probability)
            for a, probability in odds.items()
            if probability > 1e-4
        ]
        hypotheses.sort(key=lambda h: (-h.probability, h.track_id, h.sku, h.quantity))
        return tuple(hypotheses[:12])

    def _learn(self, case: _Case) -> None:
        """Move the planogram belief by what the best explanation says, and back by what it said before."""
        if case.evidence is None or case.event.provisional:
            return
        pieces: dict[str, float] = {}
        for best in (interaction.best for interaction in case.interactions):
            if best.kind in _SIGNS:
                pieces[best.sku] = pieces.get(best.sku, 0.0) - _SIGNS[best.kind] * best.quantity * best.probability
        lane_id = case.evidence.lane_id
        for sku in sorted({*pieces, *case.moved}):
            change = pieces.get(sku, 0.0) - case.moved.get(sku, 0.0)
            if sku not in pieces or sku not in case.moved or abs(change) > 0.1:
                self.belief.move(lane_id, sku, change)
                case.moved = {**case.moved, sku: pieces.get(sku, 0.0)}
        case.moved = {sku: moved for sku, moved in case.moved.items() if sku in pieces}

    def _held(self, cases: Iterable[_Case]) -> dict[tuple[int, str], int]:
        """Return what everybody holds by the best explanations of these cases."""
        held: dict[tuple[int, str], int] = {}
        for case in sorted(cases, key=lambda c: c.event.onset_ns):
            for best in (interaction.best for interaction in case.interactions):
                if best.kind in _SIGNS:
                    key, change = (best.track_id, best.sku), _SIGNS[best.kind] * best.quantity
                    held[key] = max(0, held.get(key, 0) + change)
        return held

    def _news(self, now_ns: int) -> list[Interaction]:
        news = []
        for case in sorted(self._cases.values(), key=lambda c: (c.event.onset_ns, c.event.event_id)):
            if abs(case.event.delta_g) == 0 and not case.event.provisional and case.told:
                nothing = replace(_TOUCHED, probability=self._p.certainty)
                case.interactions = tuple(Interaction(name, case.event, (nothing,)) for name in case.told)
            for place, interaction in enumerate(case.interactions):
                told = case.told.get(interaction.interaction_id)
                silent = place > 0 and told is None and interaction.best.kind not in _SIGNS
                if not silent and (told is None or self._is_news(interaction, told)):
                    case.told[interaction.interaction_id] = interaction
                    news.append(interaction)
        return news

    def _is_news(self, interaction: Interaction, told: Interaction) -> bool:
        new, old = interaction.best, told.best
        same = replace(new, probability=0.0) == replace(old, probability=0.0)
        settled = interaction.event.provisional == told.event.provisional
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
        pin = self._pinned.get(case.event.event_id)
        if pin is not None and (pin.whole or any(part.track_id in tracks for part in pin.parts)):
            return any(part.track_id in tracks for part in pin.parts)
        return not self._plausible(case).isdisjoint(tracks)

    def _forget(self, now_ns: int) -> None:
        oldest_ns = now_ns - int(self._p.keep_s * 1e9)
        self._met = [met for met in self._met if met.stamp_ns >= oldest_ns]
        self._corrections = [one for one in self._corrections if one.until_ns >= oldest_ns]
        for event_id in [key for key, case in self._cases.items() if case.event.end_ns < oldest_ns]:
            del self._cases[event_id]
            self._pinned.pop(event_id, None)
