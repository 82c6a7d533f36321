"""Run simulated scenarios through the store's stages and hold the receipts against the truth."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from walkout.carts.types import GateEventKind
from walkout.drivers.types import GateSignal, GateSignalKind
from walkout.errors import UserError
from walkout.evaluation.pipeline import PipelineOutput, StorePipeline
from walkout.evaluation.receipt_metrics import EventJudgement, ReceiptScore, Trip, score_events, score_trips
from walkout.interactions.types import Interaction, InteractionKind
from walkout.simulation.scenario import Scenario, load_scenario
from walkout.simulation.store_simulator import StoreSimulator
from walkout.simulation.truth import TrueInteraction, TrueVisit, Truth
from walkout.store.loader import load_store
from walkout.store.model import Store

LINGER_S = 20.0
MATCH_S = 6.0


@dataclass
class RunRecord:
    """What a run has brought, to be held against the truth."""

    session_by_token: dict[str, str] = field(default_factory=dict)
    tracks_by_session: dict[str, tuple[int, ...]] = field(default_factory=dict)
    interactions: dict[str, Interaction] = field(default_factory=dict)

    def note(self, output: PipelineOutput, signal: GateSignal | None) -> None:
        """Remember what one measurement has caused."""
        if signal is not None and signal.kind is GateSignalKind.TAP:
            for event in output.gate_events:
                if event.kind is GateEventKind.AUTHORISED:
                    self.session_by_token[signal.token] = event.session_id
        for cart in output.carts:
            if cart.track_ids:
                self.tracks_by_session[cart.session_id] = cart.track_ids
        self.interactions |= {interaction.interaction_id: interaction for interaction in output.interactions}


@dataclass(frozen=True)
class ScenarioResult:
    """The score of one scenario and seed, with a line for every trip that was not exact."""

    scenario: str
    seed: int
    score: ReceiptScore
    mistakes: tuple[str, ...]


def run_scenario(
    path: str | Path, seed: int, progress: Callable[[float], None] = lambda simulated_s: None
) -> ScenarioResult:
    """Simulate a scenario with a seed, charge its shoppers and score the receipts.

    Args:
        path: name in config/scenarios or YAML file.
        seed: seed of the simulation.
        progress: called with the simulated seconds so far.

    Raises:
        UserError: the scenario or its store is wrong, or never ends.
    """
    scenario, store = load_with_store(path)
    started = time.perf_counter()
    simulator = StoreSimulator(store, scenario, seed)
    pipeline = StorePipeline(store)
    record = RunRecord()
    stamp_ns = 0
    for measurement in simulator:
        stamp_ns = max(stamp_ns, measurement.stamp_ns)
        output = pipeline.feed(measurement)
        _carry_out(output, simulator)
        record.note(output, measurement if isinstance(measurement, GateSignal) else None)
        progress(stamp_ns * 1e-9)
    for step in range(1, int(LINGER_S * 10) + 1):
        record.note(pipeline.finish(stamp_ns + step * 100_000_000), None)
    score, mistakes = judge(store, simulator.world.truth, pipeline, record)
    pipeline.close()
    score += ReceiptScore(simulated_s=stamp_ns * 1e-9, elapsed_s=time.perf_counter() - started)
    return ScenarioResult(Path(path).stem, seed, score, mistakes)


def load_with_store(path: str | Path) -> tuple[Scenario, Store]:
    """Return a scenario and its store. Raises UserError when it would never end."""
    store = load_store(load_scenario(path).store)
    scenario = load_scenario(path, store)
    if scenario.duration_s is None and scenario.flow is not None and scenario.flow.count is None:
        raise UserError(f"{path}: shoppers keep coming for ever; give a duration_s or a count to evaluate it")
    return scenario, store


def _carry_out(output: PipelineOutput, simulator: StoreSimulator) -> None:
    for command in output.commands:
        if command.action.name == "OPEN":
            simulator.world.open_gate(command.gate_id)
        else:
            simulator.world.deny(command.gate_id, command.reason)


def judge(
    store: Store, truth: Truth, pipeline: StorePipeline, record: RunRecord
) -> tuple[ReceiptScore, tuple[str, ...]]:
    """Score all visits that are over."""
    charged = {
        receipt.session_id: Counter({line.sku: line.quantity for line in receipt.lines})
        for receipt in pipeline.receipts()
    }
    reviewed = {receipt.session_id for receipt in pipeline.receipts() if receipt.needs_review}
    trips, mistakes = [], []
    for visit in truth.visits_left():
        session = record.session_by_token.get(visit.token, "")
        trip = Trip(visit.basket, charged.get(session), session in reviewed)
        trips.append(trip)
        if not trip.exact:
            mistakes.append(_explain(visit, trip))
    price_minor = {product.sku: product.price_minor for product in store.products}
    judgements, false_events = _judge_events(truth, record)
    return score_trips(trips, price_minor) + score_events(judgements, false_events), tuple(mistakes)


def _explain(visit: TrueVisit, trip: Trip) -> str:
    if trip.charged is None:
        return f"visit {visit.visit_id}: no receipt"
    missing, extra = Counter(trip.truth) - Counter(trip.charged), Counter(trip.charged) - Counter(trip.truth)
    parts = [f"-{count} {sku}" for sku, count in missing.items()] + [f"+{count} {sku}" for sku, count in extra.items()]
    return f"visit {visit.visit_id}: {', '.join(parts)}"


def _judge_events(truth: Truth, record: RunRecord) -> tuple[list[EventJudgement], int]:
    """Match every true take or return to the nearest unused interaction on its lane within a few seconds."""
    free = dict(record.interactions)
    judgements = []
    for true in truth.interactions:
        if true.kind is InteractionKind.TOUCH:
            continue
        found = _match(true, free)
        if found is None:
            judgements.append(EventJudgement(found=False))
            continue
        del free[found.interaction_id]
        best = found.best
        session = record.session_by_token.get(truth.visits[true.visit_id].token, "")
        judgements.append(
            EventJudgement(
                found=True,
                right_shopper=best.track_id in record.tracks_by_session.get(session, ()),
                right_product=best.sku == true.sku and best.kind is true.kind,
                right_quantity=best.quantity == true.quantity,
            )
        )
    real = [i for i in free.values() if i.best.kind in (InteractionKind.TAKE, InteractionKind.RETURN)]
    return judgements, len(real)


def _match(true: TrueInteraction, free: dict[str, Interaction]) -> Interaction | None:
    near = [
        interaction
        for interaction in free.values()
        if true.lane_id in interaction.event.lane_ids and _distance_s(true, interaction) < MATCH_S
    ]
    return min(near, key=lambda interaction: _distance_s(true, interaction), default=None)


def _distance_s(true: TrueInteraction, interaction: Interaction) -> float:
    event = interaction.event
    if event.onset_ns <= true.stamp_ns <= event.end_ns:
        return 0.0
    return min(abs(true.stamp_ns - event.onset_ns), abs(true.stamp_ns - event.end_ns)) * 1e-9
