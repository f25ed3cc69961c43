import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from vlm3r_ros.nodes.image_conversion import (
    ImageError,
    compressed_to_rgb,
    depth_to_image,
    image_to_rgb,
    rgb_to_compressed,
    rgb_to_image,
)


@pytest.fixture
def rgb() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (6, 5, 3), dtype=np.uint8)


def message(pixels: np.ndarray, encoding: str, padding: int = 0) -> Image:
    """An image message of `[H, W, C]` with rows padded by some bytes."""
    height, width = pixels.shape[:2]
    rows = np.pad(pixels.reshape(height, -1), ((0, 0), (0, padding)), constant_values=77)
    image = Image(height=height, width=width, encoding=encoding, step=rows.shape[1])
    image.data.frombytes(np.ascontiguousarray(rows))
    return image


def test_rgb8_there_and_back_is_the_same(rgb):
    header = Header(frame_id="camera")
    sent = rgb_to_image(rgb, header)
    assert (sent.encoding, sent.height, sent.width, sent.step) == ("rgb8", 6, 5, 15)
    assert sent.header.frame_id == "camera"
    np.testing.assert_array_equal(image_to_rgb(sent), rgb)


@pytest.mark.parametrize("padding", [0, 3])
@pytest.mark.parametrize(
    ("encoding", "code"),
    [
        ("bgr8", cv2.COLOR_RGB2BGR),
        ("8UC3", cv2.COLOR_RGB2BGR),
        ("rgba8", cv2.COLOR_RGB2RGBA),
        ("bgra8", cv2.COLOR_RGB2BGRA),
    ],
)
def test_colour_order_alpha_and_padding_are_undone(rgb, encoding, code, padding):
    sent = message(cv2.cvtColor(rgb, code), encoding, padding)
    np.testing.assert_array_equal(image_to_rgb(sent), rgb)


def test_mono8_becomes_grey(rgb):
    grey = rgb[..., :1]
    np.testing.assert_array_equal(image_to_rgb(message(grey, "mono8", 2)), grey.repeat(3, axis=2))


def test_a_slice_of_a_larger_picture_can_be_sent(rgb):
    np.testing.assert_array_equal(image_to_rgb(rgb_to_image(rgb[:, ::2], Header())), rgb[:, ::2])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"data": b""}, "'data' is empty"),
        ({"height": 7}, "holds 90 bytes"),
        ({"height": 5}, "more than 'step' 15 x 'height' 5"),
        ({"step": 14}, "step 14 is too small"),
        ({"step": 16}, "holds 90 bytes"),
        ({"width": 0}, "empty"),
        ({"encoding": "rgb9"}, "'rgb9' is not supported"),
        ({"encoding": ""}, "not supported"),
        ({"encoding": "32FC1"}, "depth"),
        ({"height": 4_000_000_000, "width": 1_000_000_000, "step": 3_000_000_000}, "over"),
    ],
)
def test_a_message_that_contradicts_itself_is_refused_by_name(rgb, change, words):
    image = rgb_to_image(rgb, Header())
    for field, value in change.items():
        setattr(image, field, value)
    with pytest.raises(ImageError, match=words):
        image_to_rgb(image)


@pytest.mark.parametrize("kind", ["jpeg", "png"])
def test_compressed_there_and_back(kind):
    smooth = np.tile(np.arange(0, 240, 4, dtype=np.uint8)[None, :, None], (48, 1, 3))
    smooth[..., 2] = 200
    received = compressed_to_rgb(rgb_to_compressed(smooth, Header(), kind))
    assert received.shape == smooth.shape
    assert np.abs(received.astype(int) - smooth).max() <= (8 if kind == "jpeg" else 0)


def test_a_broken_compressed_image_is_refused(rgb):
    good = rgb_to_compressed(np.tile(rgb, (20, 20, 1)), Header())
    half = CompressedImage(format="jpeg", data=bytes(good.data)[: len(good.data) // 2])
    with pytest.raises(ImageError, match="truncated"):
        compressed_to_rgb(half)
    with pytest.raises(ImageError, match="empty"):
        compressed_to_rgb(CompressedImage(format="jpeg"))
    with pytest.raises(ImageError, match="not a picture"):
        compressed_to_rgb(CompressedImage(format="jpeg", data=b"no picture at all"))
    with pytest.raises(ImageError, match="jpeg, png"):
        rgb_to_compressed(rgb, Header(), "webm")


def test_only_rgb_pictures_are_sent(rgb):
    with pytest.raises(ImageError, match="uint8"):
        rgb_to_image(rgb.astype(np.float32), Header())
    with pytest.raises(ImageError, match=r"\[H, W, 3\]"):
        rgb_to_image(rgb[..., 0], Header())


def test_depth_is_float_metres():
    depth = np.array([[0.5, np.nan], [2.0, 3.25]], np.float32)
    sent = depth_to_image(depth, Header())
    assert (sent.encoding, sent.step) == ("32FC1", 8)
    np.testing.assert_array_equal(np.frombuffer(sent.data, "<f4").reshape(2, 2), depth)
