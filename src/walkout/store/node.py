"""The store node: static frames, latched layout, planogram and markers from the store's folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

from geometry_msgs.msg import Transform, TransformStamped
from tf2_ros import StaticTransformBroadcaster
from visualization_msgs.msg import MarkerArray

from walkout import msg
from walkout.ros import qos
from walkout.ros.diagnostics import Diagnostics
from walkout.ros.parameters import NodeParameters, StoreParameters
from walkout.ros.reporting import ReportingNode
from walkout.ros.runtime import run
from walkout.ros.store_markers import store_markers
from walkout.store.frames import StaticFrame, static_frames
from walkout.store.loader import load_store
from walkout.store.model import Store

DOCUMENTS = ("store.yaml", "catalog.yaml", "planogram.yaml")


class StoreNode(ReportingNode):
    """Publishes what is fixed in a store, once and latched."""

    def __init__(self) -> None:
        """Load the store named by the parameter ``store`` and publish it."""
        super().__init__("store")
        self.store = load_store(NodeParameters(self, StoreParameters).value.store)
        self._broadcaster = StaticTransformBroadcaster(self)
        self._broadcaster.sendTransform([self._transform(frame) for frame in static_frames(self.store)])
        self._layout = self.create_publisher(msg.StoreLayout, "store/layout", qos.LATCHED)
        self._layout.publish(self._layout_message())
        self._planogram = self.create_publisher(msg.Planogram, "store/planogram", qos.LATCHED)
        self._planogram.publish(_planogram_message(self.store))
        self._markers = self.create_publisher(MarkerArray, "markers/store", qos.LATCHED)
        self._markers.publish(store_markers(self.store))
        self._diagnostics = Diagnostics(self, self.store.store_id)
        self.get_logger().info(
            f"store {self.store.store_id}: {len(self.store.fixtures)} fixtures, {len(self.store.cameras)} cameras, "
            f"{len(self.store.products)} products"
        )

    def _transform(self, frame: StaticFrame) -> TransformStamped:
        message = TransformStamped(child_frame_id=frame.name, transform=Transform())
        message.header.frame_id = frame.parent
        message.header.stamp = self.get_clock().now().to_msg()
        translation, rotation = message.transform.translation, message.transform.rotation
        translation.x, translation.y, translation.z = (float(value) for value in frame.translation)
        rotation.x, rotation.y, rotation.z, rotation.w = (float(value) for value in frame.quaternion)
        return message

    def _layout_message(self) -> msg.StoreLayout:
        texts = [Path(self.store.directory, name).read_text(encoding="utf-8") for name in DOCUMENTS]
        message = msg.StoreLayout(
            store_id=self.store.store_id,
            name=self.store.name,
            currency=self.store.currency,
            directory=self.store.directory,
            sha256=hashlib.sha256("\0".join(texts).encode()).hexdigest(),
            store_yaml=texts[0],
            catalog_yaml=texts[1],
            planogram_yaml=texts[2],
        )
        message.header.frame_id = "store"
        return message


def _planogram_message(store: Store) -> msg.Planogram:
    message = msg.Planogram(
        facings=[
            msg.Facing(
                lane_id=facing.lane_id,
                sku=facing.sku,
                columns=facing.columns,
                depth_count=facing.depth_count,
                believed_skus=[facing.sku],
                believed_probabilities=[1.0],
            )
            for facing in store.facings
        ]
    )
    message.header.frame_id = "store"
    return message


def main() -> None:
    """Run the store node."""
    run(StoreNode)
