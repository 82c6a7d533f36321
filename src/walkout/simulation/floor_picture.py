"""Draws what happened in a world on the store's floor plan: paths, reaches, standing people. For looking at."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.patches import Polygon
from numpy.typing import NDArray

from walkout.drivers.types import GateSignalKind
from walkout.errors import UserError
from walkout.interactions.types import InteractionKind
from walkout.simulation.body_points import NominalBody
from walkout.simulation.scenario import load_scenario
from walkout.simulation.world import World
from walkout.store.loader import load_store
from walkout.store.model import Fixture, FixtureType

matplotlib.use("Agg")
from matplotlib import pyplot

COLOURS = {FixtureType.GATE: "#b7e1cd", FixtureType.FRIDGE: "#cfe2f3", FixtureType.WALL: "#777777"}
MARKS = {InteractionKind.TAKE: "v", InteractionKind.RETURN: "^", InteractionKind.TOUCH: "x"}


@dataclass
class Recorder:
    """Runs a world with gates that admit everybody whose token is good, and keeps where people were."""

    world: World
    paths: dict[int, list[tuple[float, float]]] = field(default_factory=dict)

    def run(self, until_s: float, step_s: float = 0.1) -> None:
        """Advance to ``until_s`` or until the world is finished."""
        world, time_s = self.world, 0.0
        while time_s < until_s and not world.finished:
            time_s += step_s
            world.advance(round(time_s * 1e9))
            for signal in world.take_signals():
                if signal.kind is GateSignalKind.TAP:
                    self._answer(signal.gate_id, signal.token)
            world.take_readings()
            for shopper in world.true_shoppers():
                self.paths.setdefault(shopper.visit_id, []).append(tuple(shopper.position))

    def _answer(self, gate_id: str, token: str) -> None:
        if token.startswith("declined"):
            self.world.deny(gate_id, "payment declined")
        else:
            self.world.open_gate(gate_id)

    def draw(self, file: Path) -> None:
        """Write the picture."""
        store = self.world.store
        figure, axes = pyplot.subplots(figsize=(12, 10))
        for fixture in store.fixtures:
            corners = _corners(fixture)
            colour = COLOURS.get(fixture.type, "#f6d9b0")
            axes.add_patch(Polygon(corners, closed=True, facecolor=colour, edgecolor="#555555", zorder=1))
            axes.text(*corners.mean(axis=0), fixture.fixture_id, ha="center", va="center", fontsize=8, zorder=5)
        palette = pyplot.get_cmap("tab10")
        for visit_id, points in self.paths.items():
            path = np.array(points)
            label = f"{visit_id}: {self.world.truth.visits[visit_id].token}"
            axes.plot(path[:, 0], path[:, 1], "-", lw=1.2, color=palette(visit_id % 10), zorder=3, label=label)
            axes.plot(path[::10, 0], path[::10, 1], ".", ms=4, color=palette(visit_id % 10), zorder=3)
        for event in self.world.truth.interactions:
            x, y, _ = store.lane_sites[event.lane_id].position
            axes.plot(x, y, MARKS[event.kind], color=palette(event.visit_id % 10), mec="black", ms=9, zorder=4)
        axes.set(xlim=(store.floor[0] - 0.5, store.floor[2] + 0.5), ylim=(store.floor[1] - 1.5, store.floor[3] + 0.5))
        axes.set(aspect="equal", xlabel="x in m", ylabel="y in m", title="a dot a second; v take, ^ return, x touch")
        axes.legend(fontsize=8, loc="lower center", ncol=4)
        figure.savefig(file, dpi=80, bbox_inches="tight")
        pyplot.close(figure)


def _corners(fixture: Fixture) -> NDArray[np.float64]:
    half = np.array(fixture.size[:2]) / 2
    local = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * half
    matrix = fixture.pose.matrix
    return np.asarray(local @ matrix[:2, :2].T + matrix[:2, 3])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a scenario without rendering and draw it: ``python -m walkout.simulation.floor_picture SCENARIO OUT.png``."""
    parser = argparse.ArgumentParser(description="Draw a scenario's paths on the floor plan")
    parser.add_argument("scenario", help="name in config/scenarios, or a YAML file")
    parser.add_argument("picture", type=Path, help="PNG to write")
    parser.add_argument("--seed", type=int, default=None, help="default: the scenario's")
    parser.add_argument("--seconds", type=float, default=180.0, help="how long at most (default 180)")
    given = parser.parse_args(arguments)
    try:
        store = load_store(load_scenario(given.scenario).store)
        scenario = load_scenario(given.scenario, store)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    recorder = Recorder(World(store, scenario, given.seed, NominalBody()))
    recorder.run(given.seconds)
    recorder.draw(given.picture)
    return 0


if __name__ == "__main__":
    sys.exit(main())
