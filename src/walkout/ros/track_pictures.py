"""Each camera's picture with the tracked shoppers drawn in, made only while somebody subscribes to it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import partial

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.subscription import Subscription
from sensor_msgs.msg import CompressedImage

from walkout.ros import qos
from walkout.ros.images import compressed_to_image, image_to_compressed
from walkout.ros.stamps import to_ns
from walkout.store.model import Camera
from walkout.tracking.overlay import draw_tracks
from walkout.tracking.types import Shoppers

LOOK_PERIOD_S = 0.5
KEPT_PICTURES = 10
QUALITY = 85


class TrackPictures:
    """Publishes ``camera/<id>/tracks/compressed``.

    Without a subscriber there it does not subscribe to the camera either, so its driver does not encode. A picture
    waits for the tracks of its own time, which come a moment later.
    """

    def __init__(self, node: Node, cameras: Sequence[Camera]) -> None:
        self._node = node
        self._cameras = {camera.camera_id: camera for camera in cameras}
        self._publishers = {
            camera_id: node.create_publisher(CompressedImage, f"camera/{camera_id}/tracks/compressed", qos.IMAGES)
            for camera_id in self._cameras
        }
        self._subscriptions: dict[str, Subscription] = {}
        self._waiting: deque[tuple[str, CompressedImage]] = deque(maxlen=KEPT_PICTURES * max(len(cameras), 1))
        # Steady time: somebody may come to look while the simulated clock stands still.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = node.create_timer(LOOK_PERIOD_S, self._follow_viewers, clock=steady)

    def add_shoppers(self, shoppers: Shoppers) -> None:
        """Take a snapshot of the tracks and publish the pictures that were taken before it."""
        later: list[tuple[str, CompressedImage]] = []
        while self._waiting:
            camera_id, message = self._waiting.popleft()
            stamp_ns = to_ns(message.header.stamp)
            if stamp_ns > shoppers.stamp_ns:
                later.append((camera_id, message))
                continue
            drawn = draw_tracks(compressed_to_image(message), self._cameras[camera_id], shoppers)
            self._publishers[camera_id].publish(image_to_compressed(drawn, stamp_ns, message.header.frame_id, QUALITY))
        self._waiting.extend(later)

    def clear(self) -> None:
        """Forget the pictures that wait (the clock jumped back)."""
        self._waiting.clear()

    def _follow_viewers(self) -> None:
        for camera_id, publisher in self._publishers.items():
            wanted, subscribed = publisher.get_subscription_count() > 0, camera_id in self._subscriptions
            if wanted and not subscribed:
                topic = f"camera/{camera_id}/image_raw/compressed"
                callback = partial(self._on_picture, camera_id)
                self._subscriptions[camera_id] = self._node.create_subscription(
                    CompressedImage, topic, callback, qos.IMAGES
                )
            elif subscribed and not wanted:
                self._node.destroy_subscription(self._subscriptions.pop(camera_id))

    def _on_picture(self, camera_id: str, message: CompressedImage) -> None:
        self._waiting.append((camera_id, message))
