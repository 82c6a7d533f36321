"""Recorded bags as measurements, for running the stages on them without a graph, and the other way round."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import rosbag2_py
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import CompressedImage

from walkout import msg
from walkout.drivers.types import Frame, GateSignal, ReadingBatch
from walkout.ros.conversions import gate_signal_to_msg, msg_to_gate_signal, msg_to_readings, readings_to_msg
from walkout.ros.images import compressed_to_image, image_to_compressed
from walkout.ros.stamps import to_ns

Measurement = Frame | ReadingBatch | GateSignal

_CAMERA_END = "/image_raw/compressed"
_SHELF_END = "/readings"
_GATE = "/gate/signals"


def read_measurements(bag: str | Path) -> Iterator[Measurement]:
    """Yield the cameras' pictures, the shelves' readings and the gates' signals of a bag in recorded order.

    Raises:
        RuntimeError: there is no such bag.
    """
    reader = rosbag2_py.SequentialReader()
    reader.open(rosbag2_py.StorageOptions(uri=str(bag), storage_id="mcap"), rosbag2_py.ConverterOptions("", ""))
    while reader.has_next():
        topic, data, _ = reader.read_next()
        if topic.endswith(_CAMERA_END):
            picture = deserialize_message(data, CompressedImage)
            yield Frame(topic.split("/")[2], to_ns(picture.header.stamp), compressed_to_image(picture))
        elif topic.endswith(_SHELF_END):
            yield msg_to_readings(deserialize_message(data, msg.ShelfReadings))
        elif topic == _GATE:
            yield msg_to_gate_signal(deserialize_message(data, msg.GateSignal))


class MeasurementWriter:
    """Writes measurements as a bag like the one that ``record:=`` makes. A context manager."""

    def __init__(self, bag: str | Path, jpeg_quality: int = 92) -> None:
        """Open a new bag in a folder that does not exist yet."""
        self._quality = jpeg_quality
        self._topics: set[str] = set()
        self._writer = rosbag2_py.SequentialWriter()
        self._writer.open(
            rosbag2_py.StorageOptions(uri=str(bag), storage_id="mcap"), rosbag2_py.ConverterOptions("", "")
        )

    def write(self, measurement: Measurement, arrival_ns: int) -> None:
        """Add a measurement that arrived at a time."""
        if isinstance(measurement, Frame):
            topic = f"/camera/{measurement.camera_id}{_CAMERA_END}"
            frame_id = f"camera_{measurement.camera_id}_optical"
            message = image_to_compressed(measurement.image, measurement.stamp_ns, frame_id, self._quality)
            self._put(topic, "sensor_msgs/msg/CompressedImage", message, arrival_ns)
        elif isinstance(measurement, ReadingBatch):
            topic = f"/shelf/{measurement.fixture_id}{_SHELF_END}"
            self._put(topic, "walkout/msg/ShelfReadings", readings_to_msg(measurement), arrival_ns)
        else:
            self._put(_GATE, "walkout/msg/GateSignal", gate_signal_to_msg(measurement), arrival_ns)

    def _put(self, topic: str, kind: str, message: object, arrival_ns: int) -> None:
        if topic not in self._topics:
            self._topics.add(topic)
            self._writer.create_topic(
                rosbag2_py.TopicMetadata(id=len(self._topics), name=topic, type=kind, serialization_format="cdr")
            )
        self._writer.write(topic, serialize_message(message), arrival_ns)

    def __enter__(self) -> MeasurementWriter:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the bag."""
        self._writer.close()
