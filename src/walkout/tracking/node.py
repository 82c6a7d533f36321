"""The tracker node: detections of all cameras in, shoppers out."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from visualization_msgs.msg import MarkerArray

from walkout import msg
from walkout.geometry.drift import DriftParameters
from walkout.ros import qos
from walkout.ros.conversions import msg_to_detections, shoppers_to_msg
from walkout.ros.diagnostics import Diagnostics
from walkout.ros.lifecycle import ManagedNode, ManagedParameters
from walkout.ros.parameters import NodeParameters
from walkout.ros.runtime import on_clock_reset, run
from walkout.ros.shopper_markers import ShopperMarkers
from walkout.ros.track_pictures import TrackPictures
from walkout.settings import setting
from walkout.store.loader import load_store
from walkout.tracking.calibration_watch import CalibrationWatch, drift_summary
from walkout.tracking.groups import GroupFinder, GroupParameters
from walkout.tracking.parameters import TrackerParameters
from walkout.tracking.tracker import MultiViewTracker
from walkout.tracking.types import Shoppers


@dataclass(frozen=True)
class TrackerNodeParameters(ManagedParameters):
    """Parameters of the tracker node."""

    marker_lifetime: float = setting(
        2.0, "a marker that is not renewed vanishes after this time", unit="s", range=(0.0, 60.0)
    )
    tracker: TrackerParameters = field(default_factory=TrackerParameters)
    drift: DriftParameters = field(default_factory=DriftParameters)
    groups: GroupParameters = field(default_factory=GroupParameters)


_LOOK_S = 0.25


class TrackerNode(ManagedNode):
    """Feeds the tracker and publishes its snapshots."""

    def __init__(self) -> None:
        """Load the store."""
        super().__init__("tracker")
        self._settings = NodeParameters(self, TrackerNodeParameters).value
        self.managed = self._settings.managed
        self._store = load_store(self._settings.store)
        self._diagnostics = Diagnostics(self, "tracker", 10.0)
        on_clock_reset(self, self._reset)

    def configure(self) -> None:
        """Build the tracker for the store and subscribe to every camera's detections."""
        store = self._store
        # A tracker that died and was started again must not give its first shoppers the ids of those in open carts.
        first_id = time.time_ns() // 1_000_000_000
        self._tracker = MultiViewTracker(
            self._settings.tracker, store.cameras, store.zones, store.fixtures, first_track_id=first_id
        )
        self._shoppers = self.create_publisher(msg.Shoppers, "shoppers", qos.STREAMS)
        self._markers = self.create_publisher(MarkerArray, "markers/shoppers", qos.MARKERS)
        self._draw = ShopperMarkers(self._settings.marker_lifetime, store.cameras)
        self._watch = CalibrationWatch(store.cameras, self._settings.drift)
        self._pictures = TrackPictures(self, store.cameras)
        self._groups = GroupFinder(self._settings.groups)
        self._alarm = ""
        for camera in store.cameras:
            topic = f"camera/{camera.camera_id}/detections"
            self.listen(msg.Detections, topic, self._on_detections, qos.STREAMS)
        self._heard_ns: int | None = None
        self.create_timer(_LOOK_S, self._on_timer)

    def _on_detections(self, message: msg.Detections) -> None:
        started_ns = time.perf_counter_ns()
        self._heard_ns = self.get_clock().now().nanoseconds
        detections = msg_to_detections(message)
        self._watch.add_detections(detections)
        self._tracker.update(detections)
        self._publish(started_ns)

    def _on_timer(self) -> None:
        """Let shoppers get lost when all cameras are silent."""
        started_ns = time.perf_counter_ns()
        if self.is_active and self._heard_ns is not None:
            self._tracker.wait((self.get_clock().now().nanoseconds - self._heard_ns) * 1e-9)
            self._publish(started_ns)

    def _publish(self, started_ns: int) -> None:
        snapshots = [self._groups.update(shoppers) for shoppers in self._tracker.drain()]
        busy_ns = time.perf_counter_ns() - started_ns
        for shoppers in snapshots:
            self._shoppers.publish(shoppers_to_msg(shoppers))
            self._diagnostics.handled(shoppers.stamp_ns, busy_ns)
            self._markers.publish(self._draw.update(shoppers))
            self._pictures.add_shoppers(shoppers)
            self._report_drift(shoppers)

    def _report_drift(self, shoppers: Shoppers) -> None:
        """Show every camera's residual in the diagnostics, and a warning while one is out of place.

        Never an error: that would close the gate, and a store with one camera askew still works.
        """
        alarm, values = drift_summary(self._watch.add_shoppers(shoppers))
        for key, value in values.items():
            self._diagnostics.set(key, value)
        if alarm != self._alarm:
            self._set_alarm(alarm)

    def _set_alarm(self, alarm: str) -> None:
        if alarm:
            self.get_logger().warning(alarm)
        elif self._alarm:
            self.get_logger().info("all cameras agree again")
        self._diagnostics.warn("calibration", alarm)
        self._alarm = alarm

    def deactivate(self) -> None:
        """Forget everybody: whoever is there when the tracker goes on is a new track."""
        self._reset()

    def _reset(self) -> None:
        if not self.is_active:
            return
        self._tracker.reset()
        self._heard_ns = None
        self._watch.clear()
        self._groups.clear()
        self._pictures.clear()
        self._diagnostics.warn("calibration", "")
        self._alarm = ""
        self._markers.publish(self._draw.clear())


def main() -> None:
    """Run the tracker."""
    run(TrackerNode)
