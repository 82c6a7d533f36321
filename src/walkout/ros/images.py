"""Pictures to and from messages, by the only paths that are fast in Python."""

from __future__ import annotations

import array

import cv2
import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from walkout.ros.stamps import header
from walkout.store.model import Camera


def image_to_msg(image: NDArray[np.uint8], stamp_ns: int, frame_id: str) -> Image:
    """Return a bgr8 image message of a (height, width, 3) uint8 picture.

    ``array.array`` is the one type that the generated setter takes without looking at every element.
    """
    data = array.array("B")
    data.frombytes(np.ascontiguousarray(image).data)
    height, width = image.shape[:2]
    return Image(
        header=header(stamp_ns, frame_id),
        height=height,
        width=width,
        encoding="bgr8",
        is_bigendian=0,
        step=width * 3,
        data=data,
    )


def msg_to_image(message: Image) -> NDArray[np.uint8]:
    """Return a view of the message's pixels as (height, width, 3) uint8 BGR.

    Raises:
        ValueError: the encoding is neither bgr8 nor rgb8.
    """
    if message.encoding not in ("bgr8", "rgb8"):
        raise ValueError(f"image encoding {message.encoding!r} is not supported; publish bgr8 or rgb8")
    rows = np.frombuffer(message.data, dtype=np.uint8).reshape(message.height, message.step)
    image = rows[:, : message.width * 3].reshape(message.height, message.width, 3)
    return image if message.encoding == "bgr8" else np.ascontiguousarray(image[..., ::-1])


def image_to_compressed(image: NDArray[np.uint8], stamp_ns: int, frame_id: str, quality: int) -> CompressedImage:
    """Return a JPEG message of a BGR picture; ``quality`` is 1..100."""
    jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    data = array.array("B")
    data.frombytes(jpeg.data)
    return CompressedImage(header=header(stamp_ns, frame_id), format="bgr8; jpeg compressed bgr8", data=data)


def compressed_to_image(message: CompressedImage) -> NDArray[np.uint8]:
    """Return the (height, width, 3) BGR picture of a compressed message.

    Raises:
        ValueError: the data cannot be decoded.
    """
    image = cv2.imdecode(np.frombuffer(message.data, dtype=np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"picture of {message.header.frame_id} cannot be decoded (format {message.format!r})")
    return image.astype(np.uint8, copy=False)


def camera_info(camera: Camera, stamp_ns: int) -> CameraInfo:
    """Return the calibration of a camera as sensor_msgs/CameraInfo."""
    projection = np.zeros((3, 4))
    projection[:, :3] = camera.matrix
    return CameraInfo(
        header=header(stamp_ns, camera.frame_id),
        width=camera.width,
        height=camera.height,
        distortion_model="plumb_bob",
        d=[float(value) for value in camera.distortion],
        k=[float(value) for value in camera.matrix.ravel()],
        r=[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        p=[float(value) for value in projection.ravel()],
    )
