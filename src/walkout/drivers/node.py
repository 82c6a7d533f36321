"""The driver nodes: one per camera, one per shelf fixture."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import cv2
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from walkout import msg
from walkout.drivers.sources import open_camera, open_shelf
from walkout.drivers.types import Frame, ReadingBatch
from walkout.ros import qos
from walkout.ros.conversions import readings_to_msg
from walkout.ros.diagnostics import Diagnostics
from walkout.ros.images import camera_info, image_to_compressed, image_to_msg
from walkout.ros.parameters import NodeParameters, StoreParameters
from walkout.ros.reader import Reader
from walkout.ros.reporting import ReportingNode
from walkout.ros.runtime import run
from walkout.settings import setting
from walkout.store.loader import load_store
from walkout.store.model import Camera, Fixture

CAMERA_DRIVER, SHELF_DRIVER = "camera_driver", "shelf_driver"


@dataclass(frozen=True)
class CameraDriverParameters(StoreParameters):
    """Parameters of a camera driver node."""

    camera_id: str = setting("", "id of the camera in the store file; empty where the driver is composed with others")
    source: str = setting("", "where the frames come from, a URI; empty: as the store file says")
    preview_hz: float = setting(4.0, "rate of the small preview pictures", unit="Hz", range=(0.1, 60.0), writable=True)
    preview_width: int = setting(320, "width of the preview pictures", unit="pixels", range=(16, 4096), writable=True)
    jpeg_quality: int = setting(92, "JPEG quality of recorded pictures", range=(1, 100), writable=True)


@dataclass(frozen=True)
class ShelfDriverParameters(StoreParameters):
    """Parameters of a shelf driver node."""

    fixture_id: str = setting("", "id of the fixture in the store file; empty where the driver is composed with others")
    source: str = setting("sim://shelf_{id}", "where the samples come from, a URI; {id} stands for the fixture's id")


class CameraDriverNode(ReportingNode):
    """Publishes the frames of one camera; encodes only what somebody subscribes to."""

    def __init__(self, camera: Camera | None = None, on_frame: Callable[[Frame], None] | None = None) -> None:
        """Open the source. Composed with a detector, the camera is given and ``on_frame`` takes the frames directly."""
        super().__init__(CAMERA_DRIVER if camera is None else f"{CAMERA_DRIVER}_{camera.camera_id}")
        self._settings = NodeParameters(self, CameraDriverParameters, CAMERA_DRIVER)
        self.camera = camera or _chosen_camera(self._settings.value)
        uri = self._settings.value.source or self.camera.source
        topic = f"camera/{self.camera.camera_id}"
        self._raw = self.create_publisher(Image, f"{topic}/image_raw", qos.IMAGES)
        self._info = self.create_publisher(CameraInfo, f"{topic}/camera_info", qos.IMAGES)
        self._compressed = self.create_publisher(CompressedImage, f"{topic}/image_raw/compressed", qos.STREAMS)
        self._preview = self.create_publisher(CompressedImage, f"{topic}/preview/compressed", qos.IMAGES)
        self._diagnostics = Diagnostics(self, uri, self.camera.rate_hz)
        self._on_frame = on_frame
        self._next_preview_ns = 0
        self._reader = Reader(self, lambda: open_camera(uri, self.camera), self._publish, self._diagnostics)

    def _publish(self, frame: Frame) -> None:
        started_ns = time.perf_counter_ns()
        if self._on_frame is not None:
            self._on_frame(frame)
        frame_id, settings = self.camera.frame_id, self._settings.value
        if self._raw.get_subscription_count():
            self._raw.publish(image_to_msg(frame.image, frame.stamp_ns, frame_id))
        if self._info.get_subscription_count():
            self._info.publish(camera_info(self.camera, frame.stamp_ns))
        if self._compressed.get_subscription_count():
            self._compressed.publish(image_to_compressed(frame.image, frame.stamp_ns, frame_id, settings.jpeg_quality))
        preview_period_ns = int(1e9 / settings.preview_hz)
        if frame.stamp_ns < self._next_preview_ns - preview_period_ns:
            self._next_preview_ns = 0
        if frame.stamp_ns >= self._next_preview_ns and self._preview.get_subscription_count():
            self._next_preview_ns = frame.stamp_ns + preview_period_ns
            height = round(frame.image.shape[0] * settings.preview_width / frame.image.shape[1])
            small = cv2.resize(frame.image, (settings.preview_width, height), interpolation=cv2.INTER_AREA)
            self._preview.publish(image_to_compressed(small.astype("uint8"), frame.stamp_ns, frame_id, 80))
        self._diagnostics.handled(frame.stamp_ns, time.perf_counter_ns() - started_ns)

    def close(self) -> None:
        """Stop reading and release the device."""
        self._reader.close()


class ShelfDriverNode(ReportingNode):
    """Publishes the load-cell samples of one fixture."""

    def __init__(self, fixture: Fixture | None = None) -> None:
        """Open the source; composed with other shelves, the fixture is given."""
        super().__init__(SHELF_DRIVER if fixture is None else f"{SHELF_DRIVER}_{fixture.fixture_id}")
        parameters = NodeParameters(self, ShelfDriverParameters, SHELF_DRIVER).value
        self.fixture = fixture or _chosen_fixture(parameters)
        fixture_id = self.fixture.fixture_id
        uri = parameters.source.replace("{id}", fixture_id)
        self._readings = self.create_publisher(msg.ShelfReadings, f"shelf/{fixture_id}/readings", qos.STREAMS)
        self._diagnostics = Diagnostics(self, uri, 5.0)
        plates = len(self.fixture.lanes)
        self._reader = Reader(self, lambda: open_shelf(uri, fixture_id, plates), self._publish, self._diagnostics)

    def _publish(self, batch: ReadingBatch) -> None:
        self._readings.publish(readings_to_msg(batch))
        self._diagnostics.handled(batch.stamp_ns)

    def close(self) -> None:
        """Stop reading and release the device."""
        self._reader.close()


def _chosen_camera(parameters: CameraDriverParameters) -> Camera:
    store, camera_id = load_store(parameters.store), parameters.camera_id
    if camera_id not in store.camera_by_id:
        known = ", ".join(store.camera_by_id)
        raise ValueError(f"parameter camera_id: store {store.store_id} has no camera {camera_id!r}; it has {known}")
    return store.camera_by_id[camera_id]


def _chosen_fixture(parameters: ShelfDriverParameters) -> Fixture:
    store, fixture_id = load_store(parameters.store), parameters.fixture_id
    if fixture_id not in store.fixture_by_id:
        known = ", ".join(f.fixture_id for f in store.fixtures if f.shelves)
        raise ValueError(f"parameter fixture_id: no fixture {fixture_id!r}; {store.store_id} has {known}")
    return store.fixture_by_id[fixture_id]


def camera_main() -> None:
    """Run one camera driver."""
    run(CameraDriverNode)


def shelf_main() -> None:
    """Run one shelf driver."""
    run(ShelfDriverNode)
