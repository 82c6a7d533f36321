"""One simulated scenario on its way through the store's stages, without ROS and in simulated time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from walkout.drivers.types import Frame
from walkout.errors import UserError
from walkout.evaluation.belief_score import right_identities
from walkout.evaluation.figures import RunFigures
from walkout.evaluation.gate_commands import carry_out
from walkout.evaluation.group_score import GroupWatch
from walkout.evaluation.judging import WrongTrip, judge
from walkout.evaluation.movement import Movement
from walkout.evaluation.movement_score import reaches_of, score_movement
from walkout.evaluation.pipeline import Measurement, PipelineOutput, StorePipeline
from walkout.evaluation.receipt_metrics import ReceiptScore
from walkout.evaluation.record import RunRecord, SentCommand
from walkout.evaluation.true_perception import Perception, TruePerception
from walkout.evaluation.wrist_views import WristSightings
from walkout.perception.types import Detections
from walkout.simulation.scenario import Scenario, load_scenario
from walkout.simulation.store_simulator import StoreSimulator
from walkout.simulation.truth import VisitKind
from walkout.store.loader import load_store
from walkout.store.model import Store

LINGER_S = 20.0
LONGEST_S = 4 * 3600.0
"""A scenario without a duration must have ended by then, or somebody in it waits for ever."""
_LINGER_STEP_NS = 100_000_000
_CUSTOMERS = (VisitKind.SHOPPER, VisitKind.TAILGATER)


class ScenarioRun:
    """One scenario and seed on its way through the stages, and afterwards all that is known of it."""

    def __init__(self, store: Store, scenario: Scenario, seed: int, perception: Perception = Perception.PIXELS) -> None:
        """Build simulator and stages. Raises RendererError when this machine cannot render."""
        self.store, self.scenario, self.seed = store, scenario, seed
        self._truth_seer = None if perception is Perception.PIXELS else TruePerception(store, perception, seed)
        self.simulator = StoreSimulator(store, scenario, seed, renderer=self._truth_seer)
        self.record = RunRecord()
        self.movement = Movement()
        self._sightings = WristSightings(store.camera_by_id)
        self._pipeline = StorePipeline(store)
        self._groups = GroupWatch(self._pipeline.groups)
        self._elapsed_s = self._stage_cpu_s = 0.0

    def play(self, progress: Callable[[float], None] = lambda simulated_s: None) -> None:
        """Run to the end, and some time further so that the last visits are settled."""
        started = time.perf_counter()
        for measurement in self.simulator:
            now_ns = self.simulator.now_ns
            given: Measurement = measurement
            if isinstance(measurement, Frame) and self._truth_seer is not None:
                given = self._truth_seer.detect(measurement)
            begun = time.process_time()
            output = self._pipeline.feed(given)
            cpu_s = time.process_time() - begun
            self._stage_cpu_s += cpu_s
            self._carry_out(output)
            self.record.note(output, measurement, now_ns, cpu_s)
            self.movement.note_tracks(output.shoppers)
            if output.shoppers:
                self._groups.note()
            found = given if isinstance(given, Detections) else output.detections
            if found is not None:
                self._sightings.note(found)
            if self.movement.due(now_ns):
                self.movement.note_truth(now_ns, self.simulator.world.true_shoppers())
            progress(now_ns * 1e-9)
            self._check_end(now_ns * 1e-9)
        end_ns = self.simulator.now_ns
        for step in range(1, int(LINGER_S * 1e9) // _LINGER_STEP_NS + 1):
            now_ns = end_ns + step * _LINGER_STEP_NS
            begun = time.process_time()
            output = self._pipeline.finish(now_ns)
            self.record.note(output, None, now_ns, time.process_time() - begun)
        self._elapsed_s = time.perf_counter() - started

    def _check_end(self, now_s: float) -> None:
        if self.scenario.duration_s is None and now_s > LONGEST_S:
            inside = sum(visit.inside for visit in self.simulator.world.truth.visits.values())
            hours = LONGEST_S / 3600
            raise UserError(
                f"scenario {self.scenario.name} seed {self.seed}: after {hours:.0f} h of store time {inside} shoppers "
                "are still inside; give it a duration_s, or look for a step that cannot be done"
            )

    def judge(self) -> tuple[RunFigures, tuple[WrongTrip, ...]]:
        """Return all figures and the trips that were not exact."""
        figures, wrong_trips = judge(self.store, self.simulator.world.truth, self.record)
        effort = ReceiptScore(
            simulated_s=self.simulator.now_ns * 1e-9, elapsed_s=self._elapsed_s, stage_cpu_s=self._stage_cpu_s
        )
        reaches = reaches_of(self.simulator.world.truth, self.store)
        movement = score_movement(self.movement, reaches, self._sightings)
        parties = {v.visit_id: v.party_id for v in self.simulator.world.truth.visits.values() if v.kind in _CUSTOMERS}
        groups = self._groups.claims(right_identities(self.movement.compare()), parties)
        movement = replace(movement, beliefs=replace(movement.beliefs, groups=groups))
        return replace(figures, score=figures.score + effort, movement=movement), wrong_trips

    def close(self) -> None:
        """Close the ledger."""
        self._pipeline.close()

    def _carry_out(self, output: PipelineOutput) -> None:
        world = self.simulator.world
        for command in output.commands:
            self.record.commands.append(SentCommand(world.shown_ns, command))
            carry_out(world, command)


def load_with_store(path: str | Path) -> tuple[Scenario, Store]:
    """Return a scenario and its store. Raises UserError when it would never end."""
    store = load_store(load_scenario(path).store)
    scenario = load_scenario(path, store)
    if scenario.duration_s is None and scenario.flow is not None and scenario.flow.count is None:
        raise UserError(f"{path}: shoppers keep coming for ever; give a duration_s or a count to evaluate it")
    return scenario, store
