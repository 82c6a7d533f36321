"""The gate node and the cart manager node."""

from __future__ import annotations

import time
from collections import deque

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from visualization_msgs.msg import MarkerArray

from walkout import msg, srv
from walkout.carts.gate import GateAction, GateCommand, GateController, GateParameters
from walkout.carts.ledger import Ledger, SessionState
from walkout.carts.manager import CartManager, CartOutput, CartParameters
from walkout.carts.payment import SandboxPaymentProvider
from walkout.carts.types import Cart, CartState
from walkout.drivers.sources import open_gate
from walkout.drivers.types import GateDevice, GateSignal, GateSignalKind
from walkout.interactions.attribution import AttributionParameters, Attributor
from walkout.ros import qos
from walkout.ros.conversions import (
    cart_to_msg,
    gate_event_to_msg,
    gate_signal_to_msg,
    interaction_to_msg,
    msg_to_gate_event,
    msg_to_gate_signal,
    msg_to_shoppers,
    msg_to_weight_event,
    receipt_to_msg,
    review_to_msg,
)
from walkout.ros.diagnostics import Diagnostics
from walkout.ros.parameters import declare, declare_dataclass
from walkout.ros.reader import Reader
from walkout.ros.runtime import on_clock_reset, run
from walkout.ros.shopper_markers import ShopperMarkers
from walkout.ros.stamps import header
from walkout.store.loader import load_store
from walkout.store.model import Fixture, FixtureType

TICK_S = 0.1
STATE_PERIOD_S = 1.0
SILENCE_S = 5.0


class GateNode(Node):  # type: ignore[misc]
    """Serves all gates of the store: hears their controllers, asks the payment provider, opens or refuses."""

    def __init__(self) -> None:
        """Open the gates' devices, or listen to recorded signals when the parameter ``source`` is ``topic``."""
        super().__init__("gate")
        store = load_store(declare(self, "store", "corner", "name of a store in config/stores, or its folder"))
        url = declare(self, "ledger", "sqlite://", "database of the ledger, SQLAlchemy URL")
        source = declare(self, "source", "device", "device: the gates' controllers; topic: signals of a bag")
        self._ledger = Ledger(url)
        self._provider = SandboxPaymentProvider(sandbox_url(url))
        self._controller = GateController(
            declare_dataclass(self, GateParameters, "gate."), store, self._provider, self._ledger
        )
        self._gates = [f for f in store.fixtures if f.type is FixtureType.GATE]
        self._modes = {gate.fixture_id: msg.GateMode.CLOSED for gate in self._gates}
        self._signals = self.create_publisher(msg.GateSignal, "gate/signals", qos.EVENTS)
        self._events = self.create_publisher(msg.GateEvent, "gate/events", qos.EVENTS)
        self._states = self.create_publisher(msg.GateState, "gate/states", qos.EVENTS)
        self._sessions = self.create_publisher(msg.GateSessions, "gate/sessions", qos.EVENTS)
        self.create_subscription(msg.GateRequest, "gate/requests", self._on_request, qos.EVENTS)
        self._diagnostics = Diagnostics(self, "gates")
        self._arrived: deque[GateSignal] = deque()
        self._devices: dict[str, GateDevice] = {}
        self._readers: list[Reader[GateSignal]] = []
        if source == "topic":
            callback = lambda message: self._handle(msg_to_gate_signal(message))  # noqa: E731
            self.create_subscription(msg.GateSignal, "gate/signals", callback, qos.EVENTS)
        else:
            self._readers = [self._open(gate) for gate in self._gates]
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(0.02, self._drain, clock=steady)
        self.create_timer(STATE_PERIOD_S, self._publish_states, clock=steady)

    def _open(self, gate: Fixture) -> Reader[GateSignal]:
        uri = declare(self, f"{gate.fixture_id}.source", f"sim://gate_{gate.fixture_id}", "controller of the gate")

        def opener() -> GateDevice:
            device = open_gate(uri, gate.fixture_id)
            self._devices[gate.fixture_id] = device
            return device

        return Reader(self, opener, self._arrived.append, self._diagnostics)

    def _drain(self) -> None:
        """Handle on the node's own thread what the readers have brought: the ledger has one writer."""
        while self._arrived:
            signal = self._arrived.popleft()
            self._signals.publish(gate_signal_to_msg(signal))
            self._handle(signal)

    def _handle(self, signal: GateSignal) -> None:
        if signal.kind in (GateSignalKind.OPENED, GateSignalKind.CLOSED):
            is_open = signal.kind is GateSignalKind.OPENED
            self._modes[signal.gate_id] = msg.GateMode.OPEN if is_open else msg.GateMode.CLOSED
        events = self._controller.signal(signal)
        events += self._controller.advance(signal.stamp_ns)
        for command in self._controller.take_commands():
            self._command(command)
        for event in events:
            self._events.publish(gate_event_to_msg(event))
        self._diagnostics.handled(signal.stamp_ns)

    def _command(self, command: GateCommand) -> None:
        device = self._devices.get(command.gate_id)
        if device is None:
            return  # a replay: the recorded gate has already moved
        if command.action is GateAction.OPEN:
            device.open_gate()
        else:
            device.deny(command.reason)

    def _on_request(self, message: msg.GateRequest) -> None:
        if message.gate_id not in self._modes:
            self.get_logger().error(f"{message.requester_id} asks for an unknown gate {message.gate_id!r}")
        elif message.requested_mode.value == msg.GateMode.OPEN:
            self._command(GateCommand(message.gate_id, GateAction.OPEN, message.reason))

    def _publish_states(self) -> None:
        now_ns = self.get_clock().now().nanoseconds
        for gate_id, mode in self._modes.items():
            state = msg.GateState(header=header(now_ns, f"fixture_{gate_id}"), gate_id=gate_id)
            state.mode.value = mode
            self._states.publish(state)
        self._sessions.publish(msg.GateSessions(header=header(now_ns, "store"), sessions=self._open_sessions()))

    def _open_sessions(self) -> list[msg.GateSession]:
        return [
            msg.GateSession(
                session_id=session.session_id,
                gate_id=session.gate_id,
                party_kind=int(session.party_kind),
                authorised=header(session.authorised_ns, "").stamp,
                entered=session.entered_ns > 0,
            )
            for session in self._ledger.sessions(SessionState.AUTHORISED, SessionState.ENTERED)
        ]

    def close(self) -> None:
        """Stop the readers, close the ledger."""
        for reader in self._readers:
            reader.close()
        self._ledger.close()
        self._provider.close()


class CartManagerNode(Node):  # type: ignore[misc]
    """Feeds the cart manager and publishes what it says. Store time is the stamp of the newest shoppers."""

    def __init__(self) -> None:
        """Open the ledger, restore open visits and subscribe."""
        super().__init__("cart_manager")
        self._store = load_store(declare(self, "store", "corner", "name of a store in config/stores, or its folder"))
        url = declare(self, "ledger", "sqlite://", "database of the ledger, SQLAlchemy URL")
        lifetime_s = declare(self, "marker_lifetime", 2.0, "seconds after which a label that is not renewed vanishes")
        self._cart_parameters = declare_dataclass(self, CartParameters, "carts.")
        self._attribution_parameters = declare_dataclass(self, AttributionParameters, "attribution.")
        self._ledger = Ledger(url)
        self._provider = SandboxPaymentProvider(sandbox_url(url))
        self._manager = self._make_manager()
        self._interactions = self.create_publisher(msg.Interaction, "interactions", qos.EVENTS)
        self._carts = self.create_publisher(msg.Carts, "carts", qos.EVENTS)
        self._receipts = self.create_publisher(msg.Receipt, "receipts", qos.LEDGER)
        self._reviews = self.create_publisher(msg.Review, "reviews", qos.LEDGER)
        self._labels = self.create_publisher(MarkerArray, "markers/carts", qos.MARKERS)
        self._draw = ShopperMarkers(lifetime_s)
        self._shown: tuple[Cart, ...] = ()
        self._newest_ns = 0
        self._heard_ns = time.monotonic_ns()
        self._diagnostics = Diagnostics(self, "cart_manager", 10.0)
        self.create_subscription(msg.Shoppers, "shoppers", self._on_shoppers, qos.STREAMS)
        self.create_subscription(msg.GateEvent, "gate/events", self._on_gate_event, qos.EVENTS)
        for fixture in self._store.fixtures:
            if fixture.shelves:
                topic = f"shelf/{fixture.fixture_id}/weight_events"
                self.create_subscription(msg.WeightEvent, topic, self._on_weight_event, qos.EVENTS)
        self.create_service(srv.GetReceipts, "get_receipts", self._get_receipts)
        self.create_timer(TICK_S, self._tick, clock=Clock(clock_type=ClockType.STEADY_TIME))
        on_clock_reset(self, self._reset)

    def _make_manager(self) -> CartManager:
        attributor = Attributor(self._attribution_parameters, self._store)
        return CartManager(self._cart_parameters, self._store, self._ledger, self._provider, attributor)

    def _reset(self) -> None:
        self._manager = self._make_manager()
        self._newest_ns = 0
        self._labels.publish(self._draw.clear())

    def _on_gate_event(self, message: msg.GateEvent) -> None:
        self._manager.add_gate_event(msg_to_gate_event(message))

    def _on_weight_event(self, message: msg.WeightEvent) -> None:
        self._manager.add_event(msg_to_weight_event(message))

    def _on_shoppers(self, message: msg.Shoppers) -> None:
        started_ns = time.perf_counter_ns()
        shoppers = msg_to_shoppers(message)
        self._newest_ns, self._heard_ns = shoppers.stamp_ns, time.monotonic_ns()
        self._manager.add_shoppers(shoppers)
        self._publish(self._manager.advance(shoppers.stamp_ns), shoppers.stamp_ns)
        self._labels.publish(self._draw.labels(shoppers, self._texts()))
        self._diagnostics.handled(shoppers.stamp_ns, time.perf_counter_ns() - started_ns)

    def _tick(self) -> None:
        """Let time go on when no shoppers come any more: visits must be settled without cameras too."""
        silent_ns = time.monotonic_ns() - self._heard_ns
        if self._newest_ns and silent_ns > SILENCE_S * 1e9:
            now_ns = self._newest_ns + silent_ns
            self._publish(self._manager.advance(now_ns), now_ns)

    def _publish(self, output: CartOutput, stamp_ns: int) -> None:
        for interaction in output.interactions:
            self._interactions.publish(interaction_to_msg(interaction))
        shown = self._manager.carts(stamp_ns)
        if output.carts or len(shown) != len(self._shown):
            self._carts.publish(msg.Carts(header=header(stamp_ns, "store"), carts=[cart_to_msg(c) for c in shown]))
        self._shown = shown
        for receipt in output.receipts:
            self._receipts.publish(receipt_to_msg(receipt))
            self.get_logger().info(
                f"receipt {receipt.receipt_id}: {len(receipt.lines)} lines, {receipt.total_minor} minor units"
            )
        for review in output.reviews:
            self._reviews.publish(review_to_msg(review))

    def _texts(self) -> dict[int, str]:
        texts: dict[int, str] = {}
        for cart in self._shown:
            if cart.state is not CartState.SETTLED:
                count = sum(line.quantity for line in cart.lines)
                text = f"{count} item{'' if count == 1 else 's'}"
                texts |= dict.fromkeys(cart.track_ids, text)
        return texts

    def _get_receipts(self, request: srv.GetReceipts.Request, response: srv.GetReceipts.Response) -> object:
        if request.receipt_id:
            one = self._ledger.receipt(request.receipt_id)
            found = [] if one is None else [one]
        else:
            found = self._ledger.receipts(request.session_id, request.limit or 100)
        response.receipts = [receipt_to_msg(receipt) for receipt in found]
        return response

    def close(self) -> None:
        """Close the ledger."""
        self._ledger.close()
        self._provider.close()


def sandbox_url(ledger_url: str) -> str:
    """Return where the sandbox payment provider keeps its own books: beside the ledger, never in it."""
    prefix, _, path = ledger_url.partition(":///")
    return f"{prefix}:///{path}.sandbox-payments" if path and prefix.startswith("sqlite") else "sqlite://"


def gate_main() -> None:
    """Run the gate node."""
    run(GateNode)


def cart_manager_main() -> None:
    """Run the cart manager."""
    run(CartManagerNode)
