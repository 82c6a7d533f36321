"""Names of pixel formats: their element type, channels and meaning."""

from __future__ import annotations

import re
from dataclasses import dataclass

#: OpenCV's depth codes in their order: name of the depth, NumPy type.
DEPTHS = (("8U", "uint8"), ("8S", "int8"), ("16U", "uint16"), ("16S", "int16"), ("32S", "int32"), ("32F", "float32"),
          ("64F", "float64"))
_GENERIC = re.compile(r"(8U|8S|16U|16S|32S|32F|64F)(?:C(\d{1,3}))?")
_COLOURS = {"mono": 1, "bgr": 3, "rgb": 3, "bgra": 4, "rgba": 4, "bayer_rggb": 1, "bayer_bggr": 1, "bayer_gbrg": 1,
            "bayer_grbg": 1}
_YUV = {"yuv422": "uyvy", "uyvy": "uyvy", "yuv422_yuy2": "yuyv", "yuyv": "yuyv"}
MAX_CHANNELS = 512


@dataclass(frozen=True)
class PixelFormat:
    """What an encoding means: `colour` is None for formats that only tell type and number of channels."""

    dtype: str
    channels: int
    colour: str | None

    @property
    def cv_type(self) -> int:
        """OpenCV's number for the type."""
        depth = next(i for i, (_, dtype) in enumerate(DEPTHS) if dtype == self.dtype)
        return depth + ((self.channels - 1) << 3)

    @property
    def type_name(self) -> str:
        """The type as a generic encoding, like ``8UC3``."""
        return type_name(self.dtype, self.channels)


def type_name(dtype: str, channels: int) -> str:
    """Return the generic encoding of an element type and a number of channels; KeyError for an unknown type."""
    return f"{ {d: name for name, d in DEPTHS}[dtype] }C{channels}"


def parse(encoding: str) -> PixelFormat | None:
    """Return what an encoding means; None when it is not known."""
    if encoding in _YUV:
        return PixelFormat("uint8", 2, _YUV[encoding])
    name, bits = encoding.rstrip("0123456789"), encoding[len(encoding.rstrip("0123456789")):]
    if name in _COLOURS and bits in ("8", "16"):
        return PixelFormat(f"uint{bits}", _COLOURS[name], name)
    match = _GENERIC.fullmatch(encoding)
    if match is None:
        return None
    channels = int(match[2] or 1)
    return PixelFormat(dict(DEPTHS)[match[1]], channels, None) if 0 < channels <= MAX_CHANNELS else None
