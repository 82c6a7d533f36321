"""Run simulated scenarios through the store's stages and hold the receipts against the truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from walkout.evaluation.evidence import TripEvidence, collect_evidence
from walkout.evaluation.figures import RunFigures
from walkout.evaluation.judging import WrongTrip
from walkout.evaluation.receipt_metrics import ReceiptScore
from walkout.evaluation.scenario_run import ScenarioRun, load_with_store
from walkout.evaluation.true_perception import Perception


@dataclass(frozen=True)
class ScenarioResult:
    """The figures of one scenario and seed, the trips that were not exact, and their evidence if wanted."""

    scenario: str
    scenario_class: str
    seed: int
    figures: RunFigures
    wrong_trips: tuple[WrongTrip, ...]
    evidence: tuple[TripEvidence, ...] = ()

    @property
    def score(self) -> ReceiptScore:
        """The counts of the figures."""
        return self.figures.score

    @property
    def mistakes(self) -> tuple[str, ...]:
        """A line for every trip that was not exact."""
        return tuple(trip.summary for trip in self.wrong_trips)


def run_scenario(
    path: str | Path,
    seed: int,
    perception: Perception = Perception.PIXELS,
    evidence: bool = False,
    progress: Callable[[float], None] = lambda simulated_s: None,
) -> ScenarioResult:
    """Simulate a scenario with a seed, charge its shoppers and score the receipts.

    Args:
        path: name in config/scenarios or YAML file.
        seed: seed of the simulation.
        perception: where detections come from.
        evidence: take pictures of what went wrong, by running the world a second time.
        progress: called with the simulated seconds so far.

    Raises:
        UserError: the scenario or its store is wrong, or never ends.
    """
    scenario, store = load_with_store(path)
    run = ScenarioRun(store, scenario, seed, perception)
    run.play(progress)
    figures, wrong_trips = run.judge()
    run.close()
    pictures = collect_evidence(run, wrong_trips) if evidence else ()
    name = Path(path).stem
    scenario_class = scenario.suite.name if scenario.suite else name
    return ScenarioResult(name, scenario_class, seed, figures, wrong_trips, pictures)
