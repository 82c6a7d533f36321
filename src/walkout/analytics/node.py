"""The web view node: the graph's markers, carts, receipts and camera previews for the browser."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.subscription import Subscription
from sensor_msgs.msg import CompressedImage
from visualization_msgs.msg import Marker, MarkerArray

from walkout import msg
from walkout.analytics.live import LiveState
from walkout.analytics.web import WebServer
from walkout.ros import qos
from walkout.ros.diagnostics import Diagnostics
from walkout.ros.health import HEALTH_TOPIC
from walkout.ros.parameters import NodeParameters, StoreParameters
from walkout.ros.reporting import ReportingNode
from walkout.ros.runtime import run
from walkout.ros.stamps import to_ns
from walkout.settings import setting
from walkout.store.loader import load_store
from walkout.tracking.names import short_name

MARKER_TOPICS = {"markers/store": qos.LATCHED, "markers/shoppers": qos.MARKERS, "markers/carts": qos.MARKERS}
CART_STATES = ("unknown", "open", "settling", "settled", "in review")
PAYMENT_STATES = ("unknown", "pending", "captured", "failed", "released", "refunded")


@dataclass(frozen=True)
class WebViewParameters(StoreParameters):
    """Parameters of the web view node."""

    host: str = setting("127.0.0.1", "address to listen on; 0.0.0.0 shows the page to the network")
    port: int = setting(8080, "port to listen on; 0: any free one", range=(0, 65535))


class WebViewNode(ReportingNode):
    """Keeps the newest of everything and serves it."""

    def __init__(self) -> None:
        """Start the server on the parameters ``host`` and ``port`` and subscribe."""
        super().__init__("web_view")
        parameters = NodeParameters(self, WebViewParameters).value
        self._store = load_store(parameters.store)
        self._live = LiveState(title=self._store.name)
        self._server = WebServer(self._live, parameters.host, parameters.port)
        for topic, profile in MARKER_TOPICS.items():
            self.create_subscription(MarkerArray, topic, partial(self._on_markers, topic), profile)
        self.create_subscription(msg.Carts, "carts", self._on_carts, qos.EVENTS)
        self.create_subscription(msg.Receipt, "receipts", self._on_receipt, qos.LEDGER)
        self.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 50)
        self.create_subscription(DiagnosticStatus, HEALTH_TOPIC, self._put_status, qos.LATCHED)
        self._previews: list[Subscription] = []
        self.create_timer(0.5, self._follow_viewers)
        self._diagnostics = Diagnostics(self, "web")
        print(f"Walkout: {self._store.name} is live at http://{parameters.host}:{self._server.port}/", flush=True)

    def _on_markers(self, topic: str, message: MarkerArray) -> None:
        for marker in message.markers:
            gone = marker.action == Marker.DELETE
            self._live.put("marker", f"{topic}/{marker.ns}/{marker.id}", None if gone else _marker(marker))

    def _on_carts(self, message: msg.Carts) -> None:
        self._live.put("carts", "all", [_cart(cart) for cart in message.carts])

    def _on_receipt(self, message: msg.Receipt) -> None:
        self._live.put_receipt(message.receipt_id, _receipt(message))

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            self._put_status(status)

    def _put_status(self, status: DiagnosticStatus) -> None:
        values = {item.key: item.value for item in status.values}
        self._live.put("status", status.name, {"level": status.level[0], "message": status.message, **values})

    def _on_preview(self, camera_id: str, message: CompressedImage) -> None:
        self._live.put("picture", camera_id, bytes(message.data))

    def _follow_viewers(self) -> None:
        """Ask for previews only while somebody looks: encoding them costs the drivers time."""
        if self._live.viewers and not self._previews:
            for camera in self._store.cameras:
                topic = f"camera/{camera.camera_id}/preview/compressed"
                callback = partial(self._on_preview, camera.camera_id)
                self._previews.append(self.create_subscription(CompressedImage, topic, callback, qos.IMAGES))
        elif not self._live.viewers and self._previews:
            for subscription in self._previews:
                self.destroy_subscription(subscription)
            self._previews.clear()

    def close(self) -> None:
        """Stop the server."""
        self._server.close()


def _marker(marker: Marker) -> dict[str, Any]:
    position, orientation = marker.pose.position, marker.pose.orientation
    return {
        "ns": marker.ns,
        "type": marker.type,
        "position": [position.x, position.y, position.z],
        "orientation": [orientation.x, orientation.y, orientation.z, orientation.w],
        "scale": [marker.scale.x, marker.scale.y, marker.scale.z],
        "color": [marker.color.r, marker.color.g, marker.color.b, marker.color.a],
        "points": [round(value, 4) for p in marker.points for value in (p.x, p.y, p.z)],
        "colors": [round(value, 3) for c in marker.colors for value in (c.r, c.g, c.b)],
        "text": marker.text,
    }


def _line(line: msg.CartLine) -> dict[str, Any]:
    return {
        "sku": line.sku,
        "name": line.name,
        "quantity": line.quantity,
        "total_minor": line.total_minor,
        "probability": line.probability,
        "evidence": list(line.interaction_ids),
    }


def _cart(cart: msg.Cart) -> dict[str, Any]:
    return {
        "id": cart.cart_id,
        "session": cart.session_id,
        "staff": cart.party_kind == msg.Cart.STAFF,
        "state": CART_STATES[cart.state],
        "tracks": [int(track) for track in cart.track_ids],
        "names": [short_name(int(track)) for track in cart.track_ids],
        "lines": [_line(line) for line in cart.lines],
        "total_minor": cart.total.minor,
        "currency": cart.total.currency,
    }


def _receipt(receipt: msg.Receipt) -> dict[str, Any]:
    stamp_ns, entered_ns, exited_ns = (to_ns(t) for t in (receipt.header.stamp, receipt.entered, receipt.exited))
    return {
        "id": receipt.receipt_id,
        "session": receipt.session_id,
        "stamp_s": stamp_ns / 1e9,
        "visit_s": (exited_ns - entered_ns) / 1e9,
        "lines": [_line(line) for line in receipt.lines],
        "total_minor": receipt.total.minor,
        "currency": receipt.total.currency,
        "payment": PAYMENT_STATES[receipt.payment_state],
        "reference": receipt.payment_reference,
        "needs_review": receipt.needs_review,
    }


def main() -> None:
    """Run the web view."""
    run(WebViewNode)
