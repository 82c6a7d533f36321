"""The shelf monitor node: readings of all fixtures in, weight events and the health of the load cells out."""

from __future__ import annotations

from dataclasses import dataclass, field

from walkout import msg
from walkout.interactions.shelf_monitor import PlateCondition, ShelfMonitor, ShelfMonitorParameters
from walkout.ros import qos
from walkout.ros.conversions import msg_to_readings, plate_health_to_msg, weight_event_to_msg
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
        self._conditions: dict[str, PlateCondition] = {}
        self._diagnostics = Diagnostics(self, "shelf_monitor", 5.0 * len(self._fixtures))
        on_clock_reset(self, self._reset)

    def configure(self) -> None:
        """Subscribe to the readings of every fixture that has shelves."""
        self._events = {}
        self._health = {}
        for fixture_id in self._fixtures:
            topic = f"shelf/{fixture_id}"
            self._events[fixture_id] = self.create_publisher(msg.WeightEvent, f"{topic}/weight_events", qos.EVENTS)
            self._health[fixture_id] = self.create_publisher(msg.SensorHealth, f"{topic}/health", qos.LEDGER)
            self.listen(msg.ShelfReadings, f"{topic}/readings", self._on_readings, qos.STREAMS)

    def activate(self) -> None:
        """Begin without a memory of levels."""
        self._reset()

    def _on_readings(self, message: msg.ShelfReadings) -> None:
        batch = msg_to_readings(message)
        monitor = self._monitors[batch.fixture_id]
        for event in monitor.add(batch):
            self._events[batch.fixture_id].publish(weight_event_to_msg(event))
        self._tell_health(batch.fixture_id, monitor, batch.stamp_ns)
        self._diagnostics.handled(batch.stamp_ns)

    def _tell_health(self, fixture_id: str, monitor: ShelfMonitor, stamp_ns: int) -> None:
        """Publish the cells whose condition has changed, at first all: whoever listens may know an older state.

        The dead ones come along, so that they are always among those that a late subscriber gets.
        """
        cells = monitor.health()
        changed = [cell for cell in cells if cell.condition is not self._conditions.get(cell.lane_id)]
        for cell in cells if changed else ():
            if cell in changed or cell.condition is PlateCondition.DEAD:
                self._conditions[cell.lane_id] = cell.condition
                self._health[fixture_id].publish(plate_health_to_msg(cell, stamp_ns))

    def _reset(self) -> None:
        self._conditions = {}
        self._monitors = {
            key: ShelfMonitor(self._monitor_parameters, fixture) for key, fixture in self._fixtures.items()
        }


def main() -> None:
    """Run the shelf monitor."""
    run(ShelfMonitorNode)
