"""Images between messages and arrays."""

import sys

import cv2
import numpy as np
import pytest
from cv_bridge import CvBridge, CvBridgeError, cvtColorForDisplay, getCvType
from hypothesis import given, settings
from hypothesis import strategies as st
from sensor_msgs.msg import Image
from std_msgs.msg import Header

bridge = CvBridge()
rng = np.random.default_rng(5)
ENCODINGS = ["mono8", "mono16", "bgr8", "rgb8", "bgra8", "rgba8", "bgr16", "8UC2", "8SC1", "16SC3", "32SC1", "32FC1",
             "64FC4", "yuv422", "bayer_rggb8"]


def picture(encoding, height=7, width=6):
    dtype, channels = bridge.encoding_to_dtype_with_channels(encoding)
    raw = rng.integers(0, 100, (height, width, channels)).astype(dtype)
    return raw[:, :, 0] if channels == 1 else raw


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_round_trip(encoding):
    image = picture(encoding)
    message = bridge.cv2_to_imgmsg(image, encoding, Header(frame_id="camera"))
    assert (message.height, message.width, message.header.frame_id) == (7, 6, "camera")
    assert message.step * 7 == len(message.data)
    back = bridge.imgmsg_to_cv2(message)
    assert back.dtype == image.dtype
    np.testing.assert_array_equal(back, image)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 5), st.sampled_from(["mono8", "bgr8", "16UC1"]))
@settings(max_examples=30, deadline=None)
def test_row_padding_is_cropped(height, width, padding, encoding):
    image = picture(encoding, height, width)
    rows = [row.tobytes() + b"\xee" * padding for row in image]
    message = Image(height=height, width=width, encoding=encoding, step=len(rows[0]), data=b"".join(rows))
    np.testing.assert_array_equal(bridge.imgmsg_to_cv2(message), image)


def test_passthrough_is_a_view_and_a_conversion_is_a_copy():
    message = bridge.cv2_to_imgmsg(picture("bgr8"), "bgr8")
    bridge.imgmsg_to_cv2(message)[0, 0] = (1, 2, 3)
    assert list(message.data[:3]) == [1, 2, 3]
    bridge.imgmsg_to_cv2(message, "bgr8")[0, 0] = 0
    assert list(message.data[:3]) == [1, 2, 3]


def test_array_that_is_not_contiguous():
    image = picture("bgr8", 8, 8)[::2, ::-1]
    np.testing.assert_array_equal(bridge.imgmsg_to_cv2(bridge.cv2_to_imgmsg(image, "bgr8")), image)


def test_other_byte_order_is_swapped():
    image = picture("16UC1")
    message = Image(height=7, width=6, encoding="16UC1", step=12, is_bigendian=int(sys.byteorder == "little"),
                    data=image.byteswap().tobytes())
    back = bridge.imgmsg_to_cv2(message)
    assert back.dtype.isnative
    np.testing.assert_array_equal(back, image)


def test_colours():
    red = np.zeros((4, 4, 3), np.uint8)
    red[:] = (0, 0, 200)
    message = bridge.cv2_to_imgmsg(red, "bgr8")
    assert bridge.imgmsg_to_cv2(message, "rgb8")[0, 0].tolist() == [200, 0, 0]
    assert bridge.imgmsg_to_cv2(message, "rgba8")[0, 0].tolist() == [200, 0, 0, 255]
    assert bridge.imgmsg_to_cv2(message, "mono8")[0, 0] == 60
    assert bridge.imgmsg_to_cv2(message, "rgb16")[0, 0].tolist() == [200 * 257, 0, 0]
    deep = bridge.cv2_to_imgmsg(np.full((2, 2), 65535, np.uint16), "mono16")
    assert bridge.imgmsg_to_cv2(deep, "mono8")[0, 0] == 255


@pytest.mark.parametrize("pattern", ["rggb", "bggr", "gbrg", "grbg"])
def test_bayer_patterns(pattern):
    colour = {"r": 220, "g": 120, "b": 20}
    tile = np.array([colour[c] for c in pattern], np.uint8).reshape(2, 2)
    message = bridge.cv2_to_imgmsg(np.tile(tile, (4, 4)), f"bayer_{pattern}8")
    assert bridge.imgmsg_to_cv2(message, "bgr8")[4, 4].tolist() == [20, 120, 220]
    assert bridge.imgmsg_to_cv2(message, "rgba8")[4, 4].tolist() == [220, 120, 20, 255]


@pytest.mark.parametrize(("encoding", "order"), [("yuv422", [128, 90]), ("yuv422_yuy2", [90, 128])])
def test_yuv(encoding, order):
    grey = np.tile(np.array(order, np.uint8), (4, 4, 1))
    message = bridge.cv2_to_imgmsg(grey, encoding)
    assert bridge.imgmsg_to_cv2(message, "mono8")[0, 0] == 90
    assert np.ptp(bridge.imgmsg_to_cv2(message, "bgr8")[0, 0].astype(int)) <= 1


def test_what_makes_no_sense_is_refused():
    with pytest.raises(CvBridgeError, match="encoding specified as mono8, but image has incompatible type 8UC3"):
        bridge.cv2_to_imgmsg(picture("bgr8"), "mono8")
    with pytest.raises(TypeError, match="not a numpy array"):
        bridge.cv2_to_imgmsg([[1]])
    with pytest.raises(CvBridgeError, match="not supported"):
        bridge.cv2_to_imgmsg(np.zeros((2, 2), np.int64))
    generic = bridge.cv2_to_imgmsg(picture("bgr8"))
    assert generic.encoding == "8UC3"
    with pytest.raises(CvBridgeError, match="does not make sense"):
        bridge.imgmsg_to_cv2(generic, "bgr8")
    with pytest.raises(CvBridgeError, match="number of channels"):
        bridge.imgmsg_to_cv2(generic, "8UC1")
    with pytest.raises(CvBridgeError, match="Unsupported conversion"):
        bridge.imgmsg_to_cv2(bridge.cv2_to_imgmsg(picture("bgr8"), "bgr8"), "bayer_rggb8")
    with pytest.raises(CvBridgeError, match="Unrecognized image encoding"):
        bridge.encoding_to_cvtype2("no_such_format")
    with pytest.raises(CvBridgeError, match="bytes"):
        bridge.imgmsg_to_cv2(Image(height=10, width=10, step=10, encoding="mono8", data=bytes(50)))


def test_compressed():
    smooth = np.tile(np.arange(64, dtype=np.uint8)[:, None, None], (1, 48, 3))
    for name, tolerance in (("png", 0), ("jpg", 8)):
        message = bridge.cv2_to_compressed_imgmsg(smooth, name)
        assert message.format == name
        back = bridge.compressed_imgmsg_to_cv2(message)
        assert np.abs(back.astype(int) - smooth).max() <= tolerance
        assert bridge.compressed_imgmsg_to_cv2(message, "mono8").shape == (64, 48)
    with pytest.raises(CvBridgeError, match="unknown format"):
        bridge.cv2_to_compressed_imgmsg(smooth, "exe")
    message.data = b"this is no picture"
    with pytest.raises(CvBridgeError, match="could not be decoded"):
        bridge.compressed_imgmsg_to_cv2(message)


def test_type_numbers_are_opencvs():
    assert getCvType("8UC3") == getCvType("bgr8") == cv2.CV_8UC3
    assert getCvType("32FC1") == cv2.CV_32FC1
    assert getCvType("64FC4") == cv2.CV_64FC4
    assert bridge.cvtype2_to_dtype_with_channels(cv2.CV_16UC4) == ("uint16", 4)
    assert bridge.dtype_with_channels_to_cvtype2("float32", 2) == "32FC2"


def test_depth_image_for_display():
    depth = np.array([[1.0, 2.0], [np.nan, 3.0]], np.float32)
    shown = cvtColorForDisplay(depth, "32FC1", "mono8", do_dynamic_scaling=True)
    assert shown.tolist() == [[0, 128], [0, 255]]
