"""`CvBridge` and the conversions between pixel formats."""

from __future__ import annotations

import sys
from typing import Any

import cv2
import numpy as np
from sensor_msgs.msg import CompressedImage, Image

from cv_bridge.encodings import DEPTHS, PixelFormat, parse, type_name

_GRAY, _BGR = "mono", "bgr"
#: Conversions within OpenCV, by (from, to); formats with a pattern go by way of BGR.
_CODES = {
    ("bgr", "rgb"): cv2.COLOR_BGR2RGB, ("rgb", "bgr"): cv2.COLOR_RGB2BGR,
    ("bgr", "bgra"): cv2.COLOR_BGR2BGRA, ("bgr", "rgba"): cv2.COLOR_BGR2RGBA,
    ("rgb", "bgra"): cv2.COLOR_RGB2BGRA, ("rgb", "rgba"): cv2.COLOR_RGB2RGBA,
    ("bgra", "bgr"): cv2.COLOR_BGRA2BGR, ("bgra", "rgb"): cv2.COLOR_BGRA2RGB,
    ("rgba", "bgr"): cv2.COLOR_RGBA2BGR, ("rgba", "rgb"): cv2.COLOR_RGBA2RGB,
    ("bgra", "rgba"): cv2.COLOR_BGRA2RGBA, ("rgba", "bgra"): cv2.COLOR_RGBA2BGRA,
    ("mono", "bgr"): cv2.COLOR_GRAY2BGR, ("mono", "rgb"): cv2.COLOR_GRAY2RGB,
    ("mono", "bgra"): cv2.COLOR_GRAY2BGRA, ("mono", "rgba"): cv2.COLOR_GRAY2RGBA,
    ("bgr", "mono"): cv2.COLOR_BGR2GRAY, ("rgb", "mono"): cv2.COLOR_RGB2GRAY,
    ("bgra", "mono"): cv2.COLOR_BGRA2GRAY, ("rgba", "mono"): cv2.COLOR_RGBA2GRAY,
    ("uyvy", "bgr"): cv2.COLOR_YUV2BGR_UYVY, ("uyvy", "rgb"): cv2.COLOR_YUV2RGB_UYVY,
    ("uyvy", "bgra"): cv2.COLOR_YUV2BGRA_UYVY, ("uyvy", "rgba"): cv2.COLOR_YUV2RGBA_UYVY,
    ("uyvy", "mono"): cv2.COLOR_YUV2GRAY_UYVY,
    ("yuyv", "bgr"): cv2.COLOR_YUV2BGR_YUY2, ("yuyv", "rgb"): cv2.COLOR_YUV2RGB_YUY2,
    ("yuyv", "bgra"): cv2.COLOR_YUV2BGRA_YUY2, ("yuyv", "rgba"): cv2.COLOR_YUV2RGBA_YUY2,
    ("yuyv", "mono"): cv2.COLOR_YUV2GRAY_YUY2,
    # OpenCV names a Bayer pattern by the second row's second and third pixel: rggb is its "BG".
    ("bayer_rggb", "bgr"): cv2.COLOR_BayerBG2BGR, ("bayer_rggb", "rgb"): cv2.COLOR_BayerBG2RGB,
    ("bayer_bggr", "bgr"): cv2.COLOR_BayerRG2BGR, ("bayer_bggr", "rgb"): cv2.COLOR_BayerRG2RGB,
    ("bayer_gbrg", "bgr"): cv2.COLOR_BayerGR2BGR, ("bayer_gbrg", "rgb"): cv2.COLOR_BayerGR2RGB,
    ("bayer_grbg", "bgr"): cv2.COLOR_BayerGB2BGR, ("bayer_grbg", "rgb"): cv2.COLOR_BayerGB2RGB,
    ("bayer_rggb", "mono"): cv2.COLOR_BayerBG2GRAY, ("bayer_bggr", "mono"): cv2.COLOR_BayerRG2GRAY,
    ("bayer_gbrg", "mono"): cv2.COLOR_BayerGR2GRAY, ("bayer_grbg", "mono"): cv2.COLOR_BayerGB2GRAY,
}
#: Formats that the compressed conversion writes: those that OpenCV's encoders know.
COMPRESSED_FORMATS = ("jpg", "jpeg", "jpe", "png", "bmp", "dib", "ppm", "pgm", "pbm", "jp2", "tiff", "tif", "sr", "ras",
                      "webp")


class CvBridgeError(TypeError):
    """An image that cannot be converted as asked for."""


class CvBridge:
    """Converts between image messages and NumPy arrays as OpenCV uses them (rows, columns[, channels])."""

    def __init__(self) -> None:
        self.numpy_type_to_cvtype = {dtype: name for name, dtype in DEPTHS}
        self.cvtype_to_name = {
            PixelFormat(dtype, n, None).cv_type: f"{name}C{n}" for name, dtype in DEPTHS for n in range(1, 5)}

    def imgmsg_to_cv2(self, img_msg: Image, desired_encoding: str = "passthrough") -> np.ndarray:
        """Return the image as an array.

        With ``passthrough`` and without row padding it is a view: writing to it changes the message.

        Args:
            img_msg: the message.
            desired_encoding: format of the result; ``passthrough`` keeps the message's.

        Raises CvBridgeError for a format that is not known or a conversion that makes no sense.
        """
        image = self._as_array(img_msg)
        if desired_encoding == "passthrough":
            return image
        return cvtColor2(image, img_msg.encoding, desired_encoding)

    def cv2_to_imgmsg(self, cvim: np.ndarray, encoding: str = "passthrough", header: Any = None) -> Image:
        """Return an array as a message.

        Args:
            cvim: the image.
            encoding: what its channels mean; ``passthrough`` says only type and number, like ``8UC3``.
            header: the message's header.

        Raises TypeError when it is no array, CvBridgeError when the encoding does not fit it.
        """
        if not isinstance(cvim, (np.ndarray, np.generic)):
            raise TypeError("Your input type is not a numpy array")
        actual = self.dtype_with_channels_to_cvtype2(cvim.dtype, 1 if cvim.ndim < 3 else cvim.shape[2])
        if encoding != "passthrough" and _format(encoding).type_name != actual:
            raise CvBridgeError(f"encoding specified as {encoding}, but image has incompatible type {actual}")
        message = Image(height=cvim.shape[0], width=cvim.shape[1],
                        encoding=actual if encoding == "passthrough" else encoding)
        if header is not None:
            message.header = header
        message.is_bigendian = int(cvim.dtype.byteorder == ">" or (
            cvim.dtype.byteorder == "=" and sys.byteorder == "big"))
        message.data.frombytes(np.ascontiguousarray(cvim).data.cast("B") if cvim.size else b"")
        message.step = len(message.data) // message.height if message.height else 0
        return message

    def compressed_imgmsg_to_cv2(self, cmprs_img_msg: CompressedImage,
                                 desired_encoding: str = "passthrough") -> np.ndarray:
        """Return a compressed image as an array; colour images are BGR before conversion."""
        image = cv2.imdecode(np.frombuffer(cmprs_img_msg.data, np.uint8), cv2.IMREAD_UNCHANGED)
        if image is None:
            raise CvBridgeError(f"image of format '{cmprs_img_msg.format}' could not be decoded")
        if desired_encoding == "passthrough":
            return image
        bits = "16" if image.dtype == np.uint16 else "8"
        name = {2: "mono", 3: "bgr"}[image.ndim] if image.ndim == 2 or image.shape[2] == 3 else "bgra"
        return cvtColor2(image, name + bits, desired_encoding)

    def cv2_to_compressed_imgmsg(self, cvim: np.ndarray, dst_format: str = "jpg") -> CompressedImage:
        """Return an array as a compressed message in one of `COMPRESSED_FORMATS`."""
        if not isinstance(cvim, (np.ndarray, np.generic)):
            raise TypeError("Your input type is not a numpy array")
        if dst_format not in COMPRESSED_FORMATS:
            raise CvBridgeError(f"unknown format '{dst_format}'; choose one of: {', '.join(COMPRESSED_FORMATS)}")
        try:
            done, buffer = cv2.imencode(f".{dst_format}", cvim)
        except cv2.error as error:
            raise CvBridgeError(f"image could not be encoded as {dst_format}: {error.err}") from None
        if not done:
            raise CvBridgeError(f"image could not be encoded as {dst_format}")
        message = CompressedImage(format=dst_format)
        message.data.frombytes(buffer.tobytes())
        return message

    def dtype_with_channels_to_cvtype2(self, dtype: Any, n_channels: int) -> str:
        """Return the generic encoding, like ``8UC3``; CvBridgeError for a type that OpenCV lacks."""
        try:
            return type_name(np.dtype(dtype).newbyteorder("=").name, n_channels)
        except KeyError:
            raise CvBridgeError(f"images of type {np.dtype(dtype).name} are not supported") from None

    def cvtype2_to_dtype_with_channels(self, cvtype: int) -> tuple[str, int]:
        """Return NumPy type and channels of OpenCV's number."""
        return DEPTHS[cvtype & 7][1], (cvtype >> 3) + 1

    def encoding_to_cvtype2(self, encoding: str) -> int:
        """Return OpenCV's number for an encoding."""
        return _format(encoding).cv_type

    def encoding_to_dtype_with_channels(self, encoding: str) -> tuple[str, int]:
        """Return NumPy type and channels of an encoding."""
        form = _format(encoding)
        return form.dtype, form.channels

    def _as_array(self, img_msg: Image) -> np.ndarray:
        form = _format(img_msg.encoding)
        dtype = np.dtype(form.dtype).newbyteorder(">" if img_msg.is_bigendian else "<")
        pixel = dtype.itemsize * form.channels
        if img_msg.step < img_msg.width * pixel or len(img_msg.data) < img_msg.step * img_msg.height:
            raise CvBridgeError(
                f"the image is said to be {img_msg.width}x{img_msg.height} {img_msg.encoding} with "
                f"{img_msg.step} bytes a row, but it has {len(img_msg.data)} bytes")
        shape, strides = (img_msg.height, img_msg.width, form.channels), (img_msg.step, pixel, dtype.itemsize)
        if form.channels == 1:
            shape, strides = shape[:2], strides[:2]
        image = np.ascontiguousarray(np.ndarray(shape, dtype, buffer=img_msg.data, strides=strides))
        if not image.dtype.isnative:
            image = image.byteswap().view(image.dtype.newbyteorder())
        return image


def _format(encoding: str) -> PixelFormat:
    form = parse(encoding)
    if form is None:
        raise CvBridgeError(f"Unrecognized image encoding [{encoding}]")
    return form


def getCvType(encoding: str) -> int:
    """Return OpenCV's number for an encoding."""
    return _format(encoding).cv_type


def cvtColor2(image: np.ndarray, src_encoding: str, dst_encoding: str) -> np.ndarray:
    """Return the image in another format.

    Formats with a meaning (colours, grey, Bayer, YUV) convert into each other, 8 and 16 bits scaled to the full range;
    generic ones (``8UC3``) only change the element type.
    """
    if src_encoding == dst_encoding:
        return image.copy()
    source, target = _format(src_encoding), _format(dst_encoding)
    if source.colour is None and target.colour is not None:
        raise CvBridgeError(f"[{src_encoding}] is not a color format. but [{dst_encoding}] is. "
                            "The conversion does not make sense")
    if target.colour is None:
        if source.channels != target.channels:
            raise CvBridgeError(f"[{src_encoding}] and [{dst_encoding}] do not have the same number of channels")
        return _with_depth(image, source, target)
    if source.colour != target.colour:
        image = _with_colour(image, source, target, f"Unsupported conversion from [{src_encoding}] to [{dst_encoding}]")
    return _with_depth(image, source, target)


def _with_colour(image: np.ndarray, source: PixelFormat, target: PixelFormat, message: str) -> np.ndarray:
    code = _CODES.get((source.colour, target.colour))
    try:
        if code is not None:
            return cv2.cvtColor(image, code)
        if source.colour.startswith("bayer") and (_BGR, target.colour) in _CODES:
            return cv2.cvtColor(cv2.cvtColor(image, _CODES[source.colour, _BGR]), _CODES[_BGR, target.colour])
    except cv2.error as error:
        raise CvBridgeError(f"{message}: {error.err}") from None
    raise CvBridgeError(message)


def _with_depth(image: np.ndarray, source: PixelFormat, target: PixelFormat) -> np.ndarray:
    if source.dtype == target.dtype:
        return image
    scale = {("uint8", "uint16"): 65535.0 / 255.0, ("uint16", "uint8"): 255.0 / 65535.0}.get(
        (source.dtype, target.dtype), 1.0)
    info = np.iinfo(target.dtype) if np.dtype(target.dtype).kind in "iu" else None
    scaled = image.astype(np.float64) * scale
    return scaled.astype(target.dtype) if info is None else np.clip(np.rint(scaled), info.min, info.max).astype(
        target.dtype)


def cvtColorForDisplay(source: np.ndarray, encoding_in: str, encoding_out: str, do_dynamic_scaling: bool = False,
                       min_image_value: float = 0.0, max_image_value: float = 0.0) -> np.ndarray:
    """Return an image one can look at, in 8 bits.

    Args:
        source: the image.
        encoding_in: its format.
        encoding_out: an 8-bit format; empty is ``bgr8``.
        do_dynamic_scaling: stretch a depth or float image from its least to its greatest value.
        min_image_value: with `max_image_value`, the range to stretch instead (equal: found in the image).
        max_image_value: see `min_image_value`.
    """
    form, out = _format(encoding_in), encoding_out or "bgr8"
    if form.colour is not None and form.dtype == "uint8":
        return cvtColor2(source, encoding_in, out)
    if form.channels != 1:
        if form.colour is not None:
            return cvtColor2(source, encoding_in, out)
        if form.dtype == "uint8" and form.channels in (3, 4):
            return cvtColor2(source, "bgr8" if form.channels == 3 else "bgra8", out)
        raise CvBridgeError(f"cvtColorForDisplay() does not know how to show [{encoding_in}]")
    image = source.astype(np.float64)
    low, high = min_image_value, max_image_value
    if low == high and do_dynamic_scaling:
        finite = image[np.isfinite(image)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    elif low == high:
        low, high = {"uint8": (0, 255), "uint16": (0, 65535)}.get(form.dtype, (0.0, 1.0))
    grey = np.nan_to_num((image - low) * (255.0 / ((high - low) or 1.0)), nan=0.0, posinf=255.0, neginf=0.0)
    return cvtColor2(np.clip(np.rint(grey), 0, 255).astype(np.uint8), "mono8", out)
