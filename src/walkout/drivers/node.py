"""The driver nodes: one per camera, one per shelf fixture."""

from __future__ import annotations

import time
from collections.abc import Callable

import cv2
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from walkout import msg
from walkout.drivers.sources import open_camera, open_shelf
from walkout.drivers.types import Frame, ReadingBatch
from walkout.ros import qos
from walkout.ros.conversions import readings_to_msg
from walkout.ros.diagnostics import Diagnostics
from walkout.ros.images import camera_info, image_to_compressed, image_to_msg
from walkout.ros.parameters import declare
from walkout.ros.reader import Reader
from walkout.ros.runtime import run
from walkout.store.loader import load_store
from walkout.store.model import Camera, Fixture


class CameraDriverNode(Node):  # type: ignore[misc]
    """Publishes the frames of one camera; encodes only what somebody subscribes to."""

    def __init__(self, camera: Camera | None = None, on_frame: Callable[[Frame], None] | None = None) -> None:
        """Open the source. Composed with a detector, the camera is given and ``on_frame`` takes the frames directly."""
        super().__init__("camera_driver" if camera is None else f"camera_driver_{camera.camera_id}")
        self.camera = camera or self._camera_from_parameters()
        uri = declare(self, f"{self.camera.camera_id}.source", self.camera.source, "where the frames come from")
        self._preview_period_ns = int(1e9 / declare(self, "preview_hz", 4.0, "rate of the small preview pictures, Hz"))
        self._preview_width = declare(self, "preview_width", 320, "width of the preview pictures, pixels")
        self._quality = declare(self, "jpeg_quality", 92, "JPEG quality of recorded pictures, 1-100")
        topic = f"camera/{self.camera.camera_id}"
        self._raw = self.create_publisher(Image, f"{topic}/image_raw", qos.IMAGES)
        self._info = self.create_publisher(CameraInfo, f"{topic}/camera_info", qos.IMAGES)
        self._compressed = self.create_publisher(CompressedImage, f"{topic}/image_raw/compressed", qos.STREAMS)
        self._preview = self.create_publisher(CompressedImage, f"{topic}/preview/compressed", qos.IMAGES)
        self._diagnostics = Diagnostics(self, uri, self.camera.rate_hz)
        self._on_frame = on_frame
        self._next_preview_ns = 0
        self._reader = Reader(self, lambda: open_camera(uri, self.camera), self._publish, self._diagnostics)

    def _camera_from_parameters(self) -> Camera:
        store = load_store(declare(self, "store", "corner", "name of a store in config/stores, or its folder"))
        camera_id = declare(self, "camera_id", "", "id of the camera in the store file")
        if camera_id not in store.camera_by_id:
            known = ", ".join(store.camera_by_id)
            raise ValueError(f"parameter camera_id: store {store.store_id} has no camera {camera_id!r}; it has {known}")
        return store.camera_by_id[camera_id]

    def _publish(self, frame: Frame) -> None:
        started_ns = time.perf_counter_ns()
        if self._on_frame is not None:
            self._on_frame(frame)
        frame_id = self.camera.frame_id
        if self._raw.get_subscription_count():
            self._raw.publish(image_to_msg(frame.image, frame.stamp_ns, frame_id))
        if self._info.get_subscription_count():
            self._info.publish(camera_info(self.camera, frame.stamp_ns))
        if self._compressed.get_subscription_count():
            self._compressed.publish(image_to_compressed(frame.image, frame.stamp_ns, frame_id, self._quality))
        if frame.stamp_ns < self._next_preview_ns - self._preview_period_ns:
            self._next_preview_ns = 0
        if frame.stamp_ns >= self._next_preview_ns and self._preview.get_subscription_count():
            self._next_preview_ns = frame.stamp_ns + self._preview_period_ns
            height = round(frame.image.shape[0] * self._preview_width / frame.image.shape[1])
            small = cv2.resize(frame.image, (self._preview_width, height), interpolation=cv2.INTER_AREA)
            self._preview.publish(image_to_compressed(small.astype("uint8"), frame.stamp_ns, frame_id, 80))
        self._diagnostics.handled(frame.stamp_ns, time.perf_counter_ns() - started_ns)

    def close(self) -> None:
        """Stop reading and release the device."""
        self._reader.close()


class ShelfDriverNode(Node):  # type: ignore[misc]
    """Publishes the load-cell samples of one fixture."""

    def __init__(self, fixture: Fixture | None = None) -> None:
        """Open the source; composed with other shelves, the fixture is given."""
        super().__init__("shelf_driver" if fixture is None else f"shelf_driver_{fixture.fixture_id}")
        self.fixture = fixture or self._fixture_from_parameters()
        fixture_id = self.fixture.fixture_id
        uri = declare(self, f"{fixture_id}.source", f"sim://shelf_{fixture_id}", "where the samples come from")
        self._readings = self.create_publisher(msg.ShelfReadings, f"shelf/{fixture_id}/readings", qos.STREAMS)
        self._diagnostics = Diagnostics(self, uri, 5.0)
        plates = len(self.fixture.lanes)
        self._reader = Reader(self, lambda: open_shelf(uri, fixture_id, plates), self._publish, self._diagnostics)

    def _fixture_from_parameters(self) -> Fixture:
        store = load_store(declare(self, "store", "corner", "name of a store in config/stores, or its folder"))
        fixture_id = declare(self, "fixture_id", "", "id of the fixture in the store file")
        if fixture_id not in store.fixture_by_id:
            known = ", ".join(f.fixture_id for f in store.fixtures if f.shelves)
            raise ValueError(f"parameter fixture_id: no fixture {fixture_id!r}; {store.store_id} has {known}")
        return store.fixture_by_id[fixture_id]

    def _publish(self, batch: ReadingBatch) -> None:
        self._readings.publish(readings_to_msg(batch))
        self._diagnostics.handled(batch.stamp_ns)

    def close(self) -> None:
        """Stop reading and release the device."""
        self._reader.close()


def camera_main() -> None:
    """Run one camera driver."""
    run(CameraDriverNode)


def shelf_main() -> None:
    """Run one shelf driver."""
    run(ShelfDriverNode)
