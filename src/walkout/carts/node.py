"""The cart manager node: shoppers, weight events and gate events in, interactions, carts and receipts out."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from rclpy.clock import Clock, ClockType
from visualization_msgs.msg import MarkerArray

from walkout import msg, srv
from walkout.carts.ledger import Ledger, open_ledger
from walkout.carts.manager import CartManager, CartOutput, CartParameters
from walkout.carts.payment import SandboxPaymentProvider, sandbox_url
from walkout.carts.types import Cart, CartState
from walkout.interactions.attribution import AttributionParameters, Attributor
from walkout.ros import qos
from walkout.ros.conversions import (
    cart_to_msg,
    interaction_to_msg,
    msg_to_gate_event,
    msg_to_shoppers,
    msg_to_weight_event,
    receipt_to_msg,
    review_to_msg,
)
from walkout.ros.diagnostics import Diagnostics
from walkout.ros.lifecycle import LedgerParameters, ManagedNode
from walkout.ros.parameters import NodeParameters
from walkout.ros.runtime import on_clock_reset, run
from walkout.ros.shopper_markers import ShopperMarkers
from walkout.ros.stamps import header
from walkout.settings import setting
from walkout.store.loader import load_store

TICK_S = 0.1
SILENCE_S = 5.0


@dataclass(frozen=True)
class CartManagerParameters(LedgerParameters):
    """Parameters of the cart manager node."""

    marker_lifetime: float = setting(
        2.0, "a label that is not renewed vanishes after this time", unit="s", range=(0.0, 60.0)
    )
    carts: CartParameters = field(default_factory=CartParameters)
    attribution: AttributionParameters = field(default_factory=AttributionParameters)


class CartManagerNode(ManagedNode):
    """Feeds the cart manager and publishes what it says. Store time is the stamp of the newest shoppers."""

    def __init__(self) -> None:
        """Load the store."""
        super().__init__("cart_manager")
        self._settings = NodeParameters(self, CartManagerParameters).value
        self.managed = self._settings.managed
        self._store = load_store(self._settings.store)
        self._ledger: Ledger | None = None
        self._dead_lanes: dict[str, set[str]] = {}
        self._diagnostics = Diagnostics(self, "cart_manager", 10.0)
        self._diagnostics.watch("ledger", lambda: self._ledger.check_writable() if self._ledger else "closed")
        on_clock_reset(self, self._reset)

    def configure(self) -> None:
        """Open the ledger, restore open visits and subscribe."""
        self._ledger = open_ledger(self._settings.ledger)
        self._provider = SandboxPaymentProvider(sandbox_url(self._settings.ledger))
        self._manager = self._make_manager()
        self._interactions = self.create_publisher(msg.Interaction, "interactions", qos.EVENTS)
        self._carts = self.create_publisher(msg.Carts, "carts", qos.EVENTS)
        self._receipts = self.create_publisher(msg.Receipt, "receipts", qos.LEDGER)
        self._reviews = self.create_publisher(msg.Review, "reviews", qos.LEDGER)
        self._labels = self.create_publisher(MarkerArray, "markers/carts", qos.MARKERS)
        self._draw = ShopperMarkers(self._settings.marker_lifetime)
        self._shown: tuple[Cart, ...] = ()
        self._newest_ns = 0
        self._heard_ns = time.monotonic_ns()
        self.listen(msg.Shoppers, "shoppers", self._on_shoppers, qos.STREAMS)
        self.listen(msg.GateEvent, "gate/events", self._on_gate_event, qos.EVENTS)
        for fixture in self._store.fixtures:
            if fixture.shelves:
                topic = f"shelf/{fixture.fixture_id}"
                self.listen(msg.WeightEvent, f"{topic}/weight_events", self._on_weight_event, qos.EVENTS)
                self.listen(msg.SensorHealth, f"{topic}/health", self._on_plate_health, qos.LEDGER)
        self.create_service(srv.GetReceipts, "get_receipts", self._get_receipts)
        self.create_timer(TICK_S, self._tick, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def cleanup(self) -> None:
        """Close the ledger; everything that is open stands in it."""
        self.close()

    def _make_manager(self) -> CartManager:
        assert self._ledger is not None
        attributor = Attributor(self._settings.attribution, self._store)
        for fixture_id, dead in self._dead_lanes.items():
            attributor.set_dead_lanes(fixture_id, dead)
        return CartManager(self._settings.carts, self._store, self._ledger, self._provider, attributor)

    def _reset(self) -> None:
        if not self.is_active:
            return
        self._manager = self._make_manager()
        self._newest_ns = 0
        self._labels.publish(self._draw.clear())

    def _on_gate_event(self, message: msg.GateEvent) -> None:
        self._manager.add_gate_event(msg_to_gate_event(message))

    def _on_weight_event(self, message: msg.WeightEvent) -> None:
        self._manager.add_event(msg_to_weight_event(message))

    def _on_plate_health(self, message: msg.SensorHealth) -> None:
        site = self._store.lane_sites.get(message.sensor_id)
        if site is None:
            self.get_logger().warning(
                f"health of {message.sensor_id!r} ignored: {self._store.store_id} has no such lane"
            )
            return
        dead = self._dead_lanes.setdefault(site.fixture.fixture_id, set())
        if message.state == msg.SensorHealth.STUCK:
            dead.add(message.sensor_id)
        else:
            dead.discard(message.sensor_id)
        self._manager.set_dead_lanes(site.fixture.fixture_id, dead)

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
        if self.is_active and self._newest_ns and silent_ns > SILENCE_S * 1e9:
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
        assert self._ledger is not None
        if request.receipt_id:
            one = self._ledger.receipt(request.receipt_id)
            found = [] if one is None else [one]
        else:
            found = self._ledger.receipts(request.session_id, request.limit or 100)
        response.receipts = [receipt_to_msg(receipt) for receipt in found]
        return response

    def close(self) -> None:
        """Close the ledger."""
        if self._ledger is not None:
            self._ledger.close()
            self._provider.close()
            self._ledger = None


def main() -> None:
    """Run the cart manager."""
    run(CartManagerNode)
