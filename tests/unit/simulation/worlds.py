"""Worlds to test: made without the renderer's bodies, with gates that answer as a payment provider would."""

from collections.abc import Iterator
from functools import lru_cache

from walkout.drivers.types import GateSignalKind, ReadingBatch
from walkout.simulation.body_points import NominalBody
from walkout.simulation.scenario import Arrival, Behaviour, Flow, Scenario
from walkout.simulation.world import World
from walkout.store.loader import load_store
from walkout.store.model import Store


@lru_cache
def store(name: str) -> Store:
    return load_store(name)


def crowd(store_name: str, people: int, rate: float = 40.0, **mix: object) -> Scenario:
    """Return a scenario in which people come in quick succession."""
    return Scenario("crowd", store_name, flow=Flow(rate, people, 0.2, Behaviour(**mix)))  # type: ignore[arg-type]


def visit(store_name: str, *arrivals: Arrival, fill: tuple[float, float] = (1.0, 1.0)) -> Scenario:
    return Scenario("visit", store_name, arrivals=tuple(arrivals), fill=fill)


def make(scenario: Scenario, seed: int = 1) -> World:
    return World(store(scenario.store), scenario, seed, NominalBody())


class Run:
    """Steps a world; ``readings`` and ``signals`` collect what it reported."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.readings: list[ReadingBatch] = []
        self.signals: list[tuple[int, str, str]] = []

    def steps(self, until_s: float, step_s: float = 0.1) -> Iterator[World]:
        steps = 0
        while steps * step_s < until_s and not self.world.finished:
            steps += 1
            self.world.advance(round(steps * step_s * 1e9))
            for signal in self.world.take_signals():
                self.signals.append((signal.stamp_ns, signal.gate_id, signal.kind.name))
                if signal.kind is GateSignalKind.TAP:
                    if signal.token.startswith("declined"):
                        self.world.deny(signal.gate_id, "card declined")
                    else:
                        self.world.open_gate(signal.gate_id)
            self.readings.extend(self.world.take_readings())
            yield self.world

    def all(self, until_s: float = 400.0, step_s: float = 0.2) -> "Run":
        for _ in self.steps(until_s, step_s):
            pass
        return self
