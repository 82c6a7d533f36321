"""Meetings: people whose scripts name the same one act at the same moment."""

from __future__ import annotations

from walkout.simulation.scenario_model import Scenario


class Meetings:
    """Who has come to which meeting of a scenario."""

    def __init__(self, scenario: Scenario) -> None:
        """Count how many are expected at each meeting."""
        self._expected: dict[str, int] = {}
        for person in scenario.people():
            for label in {action.meet for action in person.script or () if action.meet}:
                self._expected[label] = self._expected.get(label, 0) + 1
        self._come: dict[str, set[int]] = {}

    def come(self, label: str, visit_id: int) -> None:
        """Say that somebody is there."""
        self._come.setdefault(label, set()).add(visit_id)

    def complete(self, label: str) -> bool:
        """Whether everybody has come."""
        return len(self._come.get(label, ())) >= self._expected.get(label, 0)
