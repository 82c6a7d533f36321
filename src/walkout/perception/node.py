"""The detector node: pictures in, detections out."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field

from rclpy.impl.implementation_singleton import rclpy_implementation
from sensor_msgs.msg import CompressedImage, Image

from walkout import msg
from walkout.drivers.types import Frame
from walkout.perception.detector import Detector, DetectorParameters
from walkout.ros import qos
from walkout.ros.conversions import detections_to_msg
from walkout.ros.diagnostics import Diagnostics
from walkout.ros.images import compressed_to_image, msg_to_image
from walkout.ros.lifecycle import ManagedNode, ManagedParameters
from walkout.ros.parameters import ALL, NodeParameters
from walkout.ros.runtime import run
from walkout.ros.stamps import to_ns
from walkout.settings import setting
from walkout.store.loader import load_store
from walkout.store.model import Camera


@dataclass(frozen=True)
class DetectorNodeParameters(ManagedParameters):
    """Parameters of the detector node."""

    cameras: tuple[str, ...] = setting((ALL,), "ids of the cameras to use, or all")
    compressed: bool = setting(False, "take compressed pictures (a replayed bag) instead of raw ones")
    queue_depth: int = setting(
        4, "pictures that wait per camera before the oldest is dropped", range=(1, 100_000), writable=True
    )
    network: DetectorParameters = field(default_factory=DetectorParameters)


class DetectorNode(ManagedNode):
    """Runs the networks in a thread of its own; frames wait in a bounded queue per camera, the oldest goes first.

    While more frames wait than there are cameras, shoppers get no second look: better than to drop frames.
    """

    def __init__(self, subscribe: bool = True) -> None:
        """Load the store. Composed with the drivers it does not subscribe: ``submit`` takes the frames directly."""
        super().__init__("detector")
        self._settings = NodeParameters(self, DetectorNodeParameters)
        parameters = self._settings.value
        self.managed = parameters.managed
        self.store = load_store(parameters.store)
        self._subscribes = subscribe
        chosen = [camera for camera in self.store.cameras if {ALL, camera.camera_id} & {*parameters.cameras}]
        self._cameras = {camera.camera_id: camera for camera in chosen}
        self._queues: dict[str, deque[Frame]] = {camera_id: deque() for camera_id in self._cameras}
        self._wake = threading.Condition()
        self._stopping = False
        self._worker: threading.Thread | None = None
        self._diagnostics = Diagnostics(self, "detector")
        self._diagnostics.watch("queue", lambda: sum(map(len, self._queues.values())))
        self._diagnostics.set("model", parameters.network.path)
        self._hurried = 0
        self._diagnostics.watch("frames without a second look", lambda: self._hurried)

    def configure(self) -> None:
        """Load the model."""
        self._detector = Detector(self._settings.value.network)
        self._detections = {
            camera_id: self.create_publisher(msg.Detections, f"camera/{camera_id}/detections", qos.STREAMS)
            for camera_id in self._cameras
        }
        if self._subscribes:
            for camera_id in self._cameras:
                self._subscribe(camera_id, self._settings.value.compressed)

    def activate(self) -> None:
        """Start the worker."""
        self._stopping = False
        self._worker = threading.Thread(target=self._work, name="detector-worker", daemon=True)
        self._worker.start()

    def deactivate(self) -> None:
        """Stop the worker; frames that wait are forgotten."""
        with self._wake:
            self._stopping = True
            for queue in self._queues.values():
                queue.clear()
            self._wake.notify()
        if self._worker is not None:
            self._worker.join(timeout=1.0)

    @property
    def cameras(self) -> list[Camera]:
        """The cameras whose frames the node takes."""
        return list(self._cameras.values())

    def _subscribe(self, camera_id: str, compressed: bool) -> None:
        topic = f"camera/{camera_id}/image_raw"
        if compressed:
            self.listen(
                CompressedImage,
                f"{topic}/compressed",
                lambda m: self.submit(Frame(camera_id, to_ns(m.header.stamp), compressed_to_image(m))),
                qos.STREAMS,
            )
        else:
            self.listen(
                Image,
                topic,
                lambda m: self.submit(Frame(camera_id, to_ns(m.header.stamp), msg_to_image(m))),
                qos.IMAGES,
            )

    def submit(self, frame: Frame) -> None:
        """Queue a frame; when the camera's queue is full its oldest frame is dropped and counted."""
        if not self.is_active:
            return
        with self._wake:
            queue = self._queues[frame.camera_id]
            if len(queue) >= self._settings.value.queue_depth:
                queue.popleft()
                self._diagnostics.dropped()
            queue.append(frame)
            self._wake.notify()

    def _next(self) -> tuple[Frame, bool] | None:
        """Return the oldest frame and whether there is time for a second look."""
        with self._wake:
            while not self._stopping:
                waiting = [queue for queue in self._queues.values() if queue]
                if waiting:
                    in_time = sum(map(len, waiting)) <= len(self._queues)
                    return min(waiting, key=lambda queue: queue[0].stamp_ns).popleft(), in_time
                self._wake.wait()
            return None

    def _work(self) -> None:
        while (work := self._next()) is not None:
            frame, in_time = work
            self._hurried += not in_time
            started_ns = time.perf_counter_ns()
            detections = self._detector.detect(frame, second_look=in_time)
            busy_ns = time.perf_counter_ns() - started_ns
            if self._stopping:
                return
            message = detections_to_msg(detections, self._cameras[frame.camera_id])
            try:
                self._detections[frame.camera_id].publish(message)
            except (rclpy_implementation.InvalidHandle, rclpy_implementation.RCLError):
                if self._stopping or not self.context.ok():  # the process ended between the check and the publication
                    return
                raise
            self._diagnostics.handled(frame.stamp_ns, busy_ns)

    def close(self) -> None:
        """Stop the worker."""
        self.deactivate()


def main() -> None:
    """Run the detector."""
    run(DetectorNode)
