"""`StaticTransformBroadcaster`: publishes, once and for late joiners, transforms that never change."""

from __future__ import annotations

from collections.abc import Iterable

from geometry_msgs.msg import TransformStamped
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile
from tf2_msgs.msg import TFMessage


class StaticTransformBroadcaster:
    """Publishes on ``/tf_static`` (transient local, depth 1) all transforms it was ever given.

    As in Jazzy's Python, the first transform of a child frame stays: sending it again does not replace it.
    """

    def __init__(self, node: Node, qos: QoSProfile | int | None = None) -> None:
        if qos is None:
            qos = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL, history=HistoryPolicy.KEEP_LAST)
        self.pub_tf = node.create_publisher(TFMessage, "/tf_static", qos)
        self.net_message = TFMessage()
        self._child_frame_ids: set[str] = set()

    def sendTransform(self, transform: TransformStamped | Iterable[TransformStamped]) -> None:
        """Add one transform or several and publish the whole set."""
        transforms = [transform] if isinstance(transform, TransformStamped) else list(transform)
        for item in transforms:
            if item.child_frame_id not in self._child_frame_ids:
                self._child_frame_ids.add(item.child_frame_id)
                self.net_message.transforms.append(item)
        self.pub_tf.publish(self.net_message)
