"""The stages of a store in one process, without ROS: the same objects as in the graph, fed in stamp order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from walkout.carts.gate import GateCommand, GateController, GateParameters
from walkout.carts.ledger import Ledger
from walkout.carts.manager import CartManager, CartOutput, CartParameters
from walkout.carts.payment import SandboxPaymentProvider
from walkout.carts.types import Cart, GateEvent, Receipt, Review
from walkout.drivers.types import Frame, GateSignal, ReadingBatch
from walkout.interactions.attribution import AttributionParameters, Attributor
from walkout.interactions.shelf_monitor import ShelfMonitor, ShelfMonitorParameters
from walkout.interactions.types import Interaction, WeightEvent
from walkout.perception.detector import Detector, DetectorParameters
from walkout.perception.types import Detections
from walkout.store.model import Store
from walkout.tracking.groups import GroupFinder, GroupParameters
from walkout.tracking.parameters import TrackerParameters
from walkout.tracking.tracker import MultiViewTracker
from walkout.tracking.types import Shoppers

Measurement = Frame | Detections | ReadingBatch | GateSignal


class StageClock:
    """Is told when a stage has worked; this one does not care. Benchmarks pass one that does."""

    def start(self) -> Any:
        """Return a mark to be given to ``stop``."""
        return None

    def stop(self, stage: str, mark: Any) -> None:
        """Note that ``stage`` has worked since the mark."""


@dataclass(frozen=True)
class PipelineParameters:
    """The parameters of all stages; the defaults are those of the running store."""

    detector: DetectorParameters = field(default_factory=DetectorParameters)
    tracker: TrackerParameters = field(default_factory=TrackerParameters)
    groups: GroupParameters = field(default_factory=GroupParameters)
    monitor: ShelfMonitorParameters = field(default_factory=ShelfMonitorParameters)
    attribution: AttributionParameters = field(default_factory=AttributionParameters)
    carts: CartParameters = field(default_factory=CartParameters)
    gate: GateParameters = field(default_factory=GateParameters)


@dataclass
class PipelineOutput:
    """Everything that one measurement has caused. ``detections`` are those of a frame."""

    detections: Detections | None = None
    shoppers: list[Shoppers] = field(default_factory=list)
    events: list[WeightEvent] = field(default_factory=list)
    gate_events: list[GateEvent] = field(default_factory=list)
    commands: list[GateCommand] = field(default_factory=list)
    interactions: list[Interaction] = field(default_factory=list)
    carts: list[Cart] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)


class StorePipeline:
    """Feeds what sensors deliver through all stages. The ledger lives in memory unless a URL is given."""

    def __init__(
        self,
        store: Store,
        parameters: PipelineParameters | None = None,
        ledger_url: str = "sqlite://",
        clock: StageClock | None = None,
    ):
        """Build all stages. The detector's model is opened when the first frame comes."""
        self.store = store
        self._clock = clock or StageClock()
        self._parameters = p = parameters or PipelineParameters()
        self._detector: Detector | None = None
        self._tracker = MultiViewTracker(p.tracker, store.cameras, store.zones, store.fixtures)
        self.groups = GroupFinder(p.groups)
        self._monitors = {f.fixture_id: ShelfMonitor(p.monitor, f) for f in store.fixtures if f.shelves}
        self._ledger = Ledger(ledger_url)
        provider = SandboxPaymentProvider()
        self._gate = GateController(p.gate, store, provider, self._ledger)
        attributor = Attributor(p.attribution, store)
        self._manager = CartManager(p.carts, store, self._ledger, provider, attributor)

    def feed(self, measurement: Measurement) -> PipelineOutput:
        """Take one measurement and return what follows from it."""
        output = PipelineOutput()
        if isinstance(measurement, Frame):
            output.detections = self._detect(measurement)
            self._feed_detections(output.detections, output)
        elif isinstance(measurement, Detections):
            self._feed_detections(measurement, output)
        elif isinstance(measurement, ReadingBatch):
            mark = self._clock.start()
            monitor = self._monitors[measurement.fixture_id]
            output.events = monitor.add(measurement)
            self._clock.stop("shelf monitor", mark)
            self._manager.set_dead_lanes(measurement.fixture_id, monitor.dead_lanes)
            for event in output.events:
                self._manager.add_event(event)
        else:
            mark = self._clock.start()
            self._feed_signal(measurement, output)
            self._clock.stop("gate", mark)
        return output

    def finish(self, now_ns: int) -> PipelineOutput:
        """Let time go on to ``now_ns`` without further measurements, so that the last visits are settled."""
        output = PipelineOutput()
        self._tracker.flush()
        self._pass_on_shoppers(output)
        self._collect(self._manager.advance(now_ns), output)
        return output

    def receipts(self) -> list[Receipt]:
        """Return all receipts issued so far, in their final state."""
        return self._ledger.receipts(limit=1_000_000)

    def close(self) -> None:
        """Close the ledger."""
        self._ledger.close()

    def _detect(self, frame: Frame) -> Detections:
        if self._detector is None:
            self._detector = Detector(self._parameters.detector)
        mark = self._clock.start()
        detections = self._detector.detect(frame)
        self._clock.stop("detector", mark)
        return detections

    def _feed_detections(self, detections: Detections, output: PipelineOutput) -> None:
        mark = self._clock.start()
        self._tracker.update(detections)
        self._clock.stop("tracker", mark)
        self._pass_on_shoppers(output)

    def _pass_on_shoppers(self, output: PipelineOutput) -> None:
        for shoppers in map(self.groups.update, self._tracker.drain()):
            output.shoppers.append(shoppers)
            mark = self._clock.start()
            self._manager.add_shoppers(shoppers)
            found = self._manager.advance(shoppers.stamp_ns)
            self._clock.stop(_cart_stage(found), mark)
            self._collect(found, output)

    def _feed_signal(self, signal: GateSignal, output: PipelineOutput) -> None:
        output.gate_events = self._gate.signal(signal) + self._gate.advance(signal.stamp_ns)
        output.commands = self._gate.take_commands()
        for event in output.gate_events:
            self._manager.add_gate_event(event)

    def _collect(self, cart_output: CartOutput, output: PipelineOutput) -> None:
        output.interactions += cart_output.interactions
        output.carts += cart_output.carts
        output.receipts += cart_output.receipts
        output.reviews += cart_output.reviews


def _cart_stage(output: CartOutput) -> str:
    """Return what the attribution and the cart manager have done for a snapshot; it costs differently."""
    if output.receipts:
        return "carts: receipt"
    return "carts: event explained" if output.interactions else "carts: nothing new"


def run_recording(store: Store, measurements: Iterable[Measurement], linger_s: float = 15.0) -> list[Receipt]:
    """Feed a whole recording and return its receipts; ``linger_s`` of quiet follow the last measurement."""
    pipeline = StorePipeline(store)
    last_ns = 0
    try:
        for measurement in measurements:
            last_ns = max(last_ns, measurement.stamp_ns)
            pipeline.feed(measurement)
        for step in range(1, int(linger_s * 10) + 1):
            pipeline.finish(last_ns + step * 100_000_000)
        return pipeline.receipts()
    finally:
        pipeline.close()
