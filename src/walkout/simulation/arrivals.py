"""Who comes when: the arrivals of a scenario in the order of time, with those who come along."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from walkout.simulation.load_cells import stream
from walkout.simulation.scenario_model import ActionKind, Arrival, Flow, Scenario


@dataclass(frozen=True)
class Newcomer:
    """Somebody who comes: their number from 1, and whom they came with or follow in (0: nobody)."""

    number: int
    arrival: Arrival
    leader: int = 0
    tailgates: bool = False


class ArrivalStream:
    """Hands out the arrivals of a scenario when they are due, numbered from 1."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        """Begin before the first arrival."""
        self._list = list(scenario.arrivals)
        self._flow = scenario.flow
        self._generator = stream(seed, "arrivals", scenario.name)
        self._number = 0
        self._next_s = self._flow.first_at_s if self._flow else 0.0

    @property
    def exhausted(self) -> bool:
        """Whether nobody comes any more."""
        if self._flow is not None:
            return self._flow.count is not None and self._number >= self._flow.count
        return not self._list

    def due(self, now_ns: int) -> Iterator[Newcomer]:
        """Yield those whose time has come."""
        now_s = now_ns / 1e9
        while not self.exhausted:
            arrival = self._list[0] if self._flow is None else self._of_flow(self._flow)
            if arrival.at_s > now_s:
                return
            if self._flow is None:
                self._list.pop(0)
            else:
                self._next_s += float(self._generator.exponential(60.0 / self._flow.rate_per_minute))
            party = list(numbered(arrival, self._number + 1))
            self._number += len(party)
            yield from party

    def _of_flow(self, flow: Flow) -> Arrival:
        return Arrival(self._next_s, flow.behaviour, payment=flow.payment)


def numbered(arrival: Arrival, first: int) -> Iterator[Newcomer]:
    """Yield everybody of a party with their numbers, the one who pays first."""
    for offset, person in enumerate(arrival.party()):
        tailgates = 0 < offset <= len(arrival.tailgaters)
        yield Newcomer(first + offset, person, first if offset else 0, tailgates)


@dataclass(frozen=True)
class Spare:
    """A piece that somebody brings along (staff who restock) or that a machine makes for them."""

    number: int
    sku: str
    made: bool


def spares_of(scenario: Scenario, sku_of_lane: dict[str, str]) -> list[Spare]:
    """Return the pieces that do not stand on a shelf when the scenario begins."""
    spares: list[Spare] = []
    first = 1
    for arrival in scenario.arrivals:
        party = list(numbered(arrival, first))
        first += len(party)
        for newcomer in party:
            for action in newcomer.arrival.script or ():
                if action.kind is ActionKind.RESTOCK:
                    spares += [Spare(newcomer.number, sku_of_lane[action.lane_id], False)] * action.quantity
                elif action.kind is ActionKind.BREW:
                    spares.append(Spare(newcomer.number, action.sku, True))
    return spares
