import array

import cv2
import numpy as np
import pytest

from vlm3r_ros.recordings.pixel_formats import PixelFormatError, decode_compressed, decode_pixels


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 8, 3), dtype=np.uint8)


ORDERS = {
    "rgb8": lambda rgb: rgb,
    "bgr8": lambda rgb: rgb[..., ::-1],
    "8UC3": lambda rgb: rgb[..., ::-1],
    "rgba8": lambda rgb: np.concatenate([rgb, np.full_like(rgb[..., :1], 9)], -1),
    "bgra8": lambda rgb: np.concatenate([rgb[..., ::-1], np.full_like(rgb[..., :1], 9)], -1),
}


@pytest.mark.parametrize("encoding", ORDERS)
@pytest.mark.parametrize("padding", [0, 7])
def test_colour_encodings_give_the_same_picture(picture, encoding, padding):
    stored = ORDERS[encoding](picture)
    rows = np.pad(stored.reshape(5, -1), ((0, 0), (0, padding)), constant_values=255)
    data = array.array("B", rows.tobytes())
    decoded = decode_pixels(data, 5, 8, encoding, rows.shape[1])
    np.testing.assert_array_equal(decoded, picture)


def test_rgb8_is_a_view(picture):
    data = picture.tobytes()
    decoded = decode_pixels(data, 5, 8, "rgb8", 24)
    assert np.shares_memory(decoded, np.frombuffer(data, np.uint8))


@pytest.mark.parametrize("big", [False, True])
def test_mono16_keeps_the_high_byte_in_either_byte_order(big):
    grey = np.array([[0x1234, 0xFE01]], dtype=">u2" if big else "<u2")
    decoded = decode_pixels(grey.tobytes(), 1, 2, "mono16", 4, big)
    assert decoded.tolist() == [[[0x12] * 3, [0xFE] * 3]]


def test_mono8_is_grey():
    assert decode_pixels(b"\x07\x09", 1, 2, "mono8", 2).tolist() == [[[7] * 3, [9] * 3]]


@pytest.mark.parametrize(
    ("encoding", "pixels"), [("yuv422", b"\x80\xeb\x80\x10"), ("yuv422_yuy2", b"\xeb\x80\x10\x80")]
)
def test_yuv_white_and_black(encoding, pixels):
    assert decode_pixels(pixels, 1, 2, encoding, 4).tolist() == [[[255] * 3, [0] * 3]]


@pytest.mark.parametrize(("encoding", "first"), [("bayer_rggb8", 0), ("bayer_bggr8", 2)])
def test_bayer_mosaic_of_a_red_scene_is_red(encoding, first):
    mosaic = np.zeros((8, 8), np.uint8)
    offset = 0 if first == 0 else 1
    mosaic[offset::2, offset::2] = 200
    red, green, blue = decode_pixels(mosaic.tobytes(), 8, 8, encoding, 8)[3, 3]
    assert red > 100
    assert max(green, blue) == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((b"", 0, 0, "rgb8", 0), "empty"),
        ((b"", 2, 2, "rgb8", 6), "holds 0 bytes"),
        ((b"x" * 12, 2, 2, "rgb8", 5), "step 5"),
        ((b"x" * 11, 2, 2, "rgb8", 6), "holds 11 bytes"),
        ((b"x" * 12, 2, 2, "cmyk", 6), "'cmyk' is not supported"),
        ((b"x" * 12, 2, 2, "", 6), "'' is not supported"),
        ((b"x" * 16, 2, 2, "32FC1", 8), "depth"),
        ((b"x", 2**31, 2**31, "rgb8", 2**34), "pixels is over"),
        ((b"x" * 6, 1, 3, "yuyv", 6), "odd"),
        ((None, 1, 1, "rgb8", 3), "holds no bytes"),
    ],
)
def test_fields_that_disagree_are_named(arguments, words):
    with pytest.raises(PixelFormatError, match=words):
        decode_pixels(*arguments)


def test_png_round_trip(picture):
    _, encoded = cv2.imencode(".png", picture[..., ::-1])
    np.testing.assert_array_equal(decode_compressed(encoded, "rgb8; png compressed bgr8"), picture)


def test_jpeg_is_close():
    smooth = np.zeros((32, 48, 3), np.uint8)
    smooth[..., 0] = 200
    _, encoded = cv2.imencode(".jpg", smooth[..., ::-1])
    decoded = decode_compressed(array.array("B", encoded.tobytes()), "jpeg")
    assert np.abs(decoded.astype(int) - smooth).max() < 8


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (b"", "jpeg", "empty"),
        (b"not a picture", "jpeg", "not a picture"),
        (b"\x00" * 40, "16UC1; compressedDepth", "depth"),
    ],
)
def test_compressed_rubbish_is_refused(data, kind, words):
    with pytest.raises(PixelFormatError, match=words):
        decode_compressed(data, kind)


@pytest.mark.parametrize("extension", [".jpg", ".png"])
def test_a_truncated_picture_is_refused(extension):
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    encoded = cv2.imencode(extension, noise)[1].tobytes()
    with pytest.raises(PixelFormatError):
        decode_compressed(encoded[: len(encoded) // 2], extension)
