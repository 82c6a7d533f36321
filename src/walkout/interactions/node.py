"""The shelf monitor node: readings of all fixtures in, weight events out."""

from __future__ import annotations

from dataclasses import dataclass, field

from walkout import msg
from walkout.interactions.shelf_monitor import ShelfMonitor, ShelfMonitorParameters
from walkout.ros import qos
from walkout.ros.conversions import msg_to_readings, weight_event_to_msg
from walkout.ros.diagnostics import Diagnostics
from walkout.ros.lifecycle import ManagedNode, ManagedParameters
from walkout.ros.parameters import NodeParameters
from walkout.ros.runtime import on_clock_reset, run
from walkout.store.loader import load_store


@dataclass(frozen=True)
class ShelfMonitorNodeParameters(ManagedParameters):
    """Parameters of the shelf monitor node."""

    monitor: ShelfMonitorParameters = field(default_factory=ShelfMonitorParameters)


class ShelfMonitorNode(ManagedNode):
    """Feeds one monitor per fixture."""

    def __init__(self) -> None:
        """Load the store."""
        super().__init__("shelf_monitor")
        parameters = NodeParameters(self, ShelfMonitorNodeParameters).value
        self.managed = parameters.managed
        self._monitor_parameters = parameters.monitor
        fixtures = load_store(parameters.store).fixtures
        self._fixtures = {fixture.fixture_id: fixture for fixture in fixtures if fixture.shelves}
        self._monitors: dict[str, ShelfMonitor] = {}
        self._diagnostics = Diagnostics(self, "shelf_monitor", 5.0 * len(self._fixtures))
        on_clock_reset(self, self._reset)

    def configure(self) -> None:
        """Subscribe to the readings of every fixture that has shelves."""
        self._events = {}
        for fixture_id in self._fixtures:
            topic = f"shelf/{fixture_id}"
            self._events[fixture_id] = self.create_publisher(msg.WeightEvent, f"{topic}/weight_events", qos.EVENTS)
            self.listen(msg.ShelfReadings, f"{topic}/readings", self._on_readings, qos.STREAMS)

    def activate(self) -> None:
        """Begin without a memory of levels."""
        self._reset()

    def _on_readings(self, message: msg.ShelfReadings) -> None:
        batch = msg_to_readings(message)
        for event in self._monitors[batch.fixture_id].add(batch):
            self._events[batch.fixture_id].publish(weight_event_to_msg(event))
        self._diagnostics.handled(batch.stamp_ns)

    def _reset(self) -> None:
        self._monitors = {
            key: ShelfMonitor(self._monitor_parameters, fixture) for key, fixture in self._fixtures.items()
        }


def main() -> None:
    """Run the shelf monitor."""
    run(ShelfMonitorNode)
