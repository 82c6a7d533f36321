import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image

from walkout.ros.images import compressed_to_image, image_to_compressed, image_to_msg, msg_to_image


def make_picture():
    return np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)


def test_raw_picture_round_trip_is_exact_and_a_view():
    picture = make_picture()
    message = image_to_msg(picture, 5, "camera_c1_optical")
    assert (message.height, message.width, message.step, message.encoding) == (6, 8, 24, "bgr8")
    got = msg_to_image(message)
    np.testing.assert_array_equal(got, picture)
    assert got.base is not None


def test_padded_rows_and_rgb_are_understood():
    picture = make_picture()
    rows = np.zeros((6, 32), np.uint8)
    rows[:, :24] = picture[..., ::-1].reshape(6, 24)
    message = Image(height=6, width=8, step=32, encoding="rgb8", data=rows.tobytes())
    np.testing.assert_array_equal(msg_to_image(message), picture)


def test_unknown_encoding_says_what_to_publish():
    with pytest.raises(ValueError, match="'yuv422' is not supported; publish bgr8 or rgb8"):
        msg_to_image(Image(encoding="yuv422"))


def test_compressed_picture_stays_close():
    smooth = np.dstack([np.tile(np.linspace(0, 255, 64), (48, 1))] * 3).astype(np.uint8)
    got = compressed_to_image(image_to_compressed(smooth, 5, "f", 92))
    assert np.abs(got.astype(int) - smooth).mean() < 3


def test_broken_jpeg_is_a_clear_error():
    with pytest.raises(ValueError, match="cannot be decoded"):
        compressed_to_image(CompressedImage(format="jpeg", data=b"not a picture"))
