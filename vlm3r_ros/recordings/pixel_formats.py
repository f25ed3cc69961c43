"""Pixel decoding of image messages: encoding, step and bytes to an RGB array."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from PIL import Image

# A camera of more pixels than this does not exist; a corrupt header that claims one does.
MAX_PIXELS = 100_000_000


class PixelFormatError(ValueError):
    """The bytes of an image message do not hold the picture that its fields announce."""


@dataclass(frozen=True)
class _Layout:
    channels: int
    bytes_per_channel: int = 1
    to_rgb: int | None = None  # OpenCV conversion; None: the bytes are RGB already


# Names of sensor_msgs/image_encodings. 8UC3 says nothing of colour order; OpenCV's (BGR) is meant.
_LAYOUTS = {
    "rgb8": _Layout(3),
    "bgr8": _Layout(3, to_rgb=cv2.COLOR_BGR2RGB),
    "8uc3": _Layout(3, to_rgb=cv2.COLOR_BGR2RGB),
    "rgba8": _Layout(4, to_rgb=cv2.COLOR_RGBA2RGB),
    "bgra8": _Layout(4, to_rgb=cv2.COLOR_BGRA2RGB),
    "8uc4": _Layout(4, to_rgb=cv2.COLOR_BGRA2RGB),
    "mono8": _Layout(1, to_rgb=cv2.COLOR_GRAY2RGB),
    "8uc1": _Layout(1, to_rgb=cv2.COLOR_GRAY2RGB),
    "mono16": _Layout(1, bytes_per_channel=2, to_rgb=cv2.COLOR_GRAY2RGB),
    "yuv422": _Layout(2, to_rgb=cv2.COLOR_YUV2RGB_UYVY),
    "uyvy": _Layout(2, to_rgb=cv2.COLOR_YUV2RGB_UYVY),
    "yuv422_yuy2": _Layout(2, to_rgb=cv2.COLOR_YUV2RGB_YUY2),
    "yuyv": _Layout(2, to_rgb=cv2.COLOR_YUV2RGB_YUY2),
    "bayer_rggb8": _Layout(1, to_rgb=cv2.COLOR_BayerRGGB2RGB),
    "bayer_bggr8": _Layout(1, to_rgb=cv2.COLOR_BayerBGGR2RGB),
    "bayer_gbrg8": _Layout(1, to_rgb=cv2.COLOR_BayerGBRG2RGB),
    "bayer_grbg8": _Layout(1, to_rgb=cv2.COLOR_BayerGRBG2RGB),
}
SUPPORTED_ENCODINGS = tuple(_LAYOUTS)

_DEPTH_ENCODINGS = ("16uc1", "32fc1")


def decode_pixels(
    data: Any,
    height: int,
    width: int,
    encoding: str,
    step: int,
    is_bigendian: bool = False,
) -> np.ndarray:
    """Turn the fields of a `sensor_msgs/Image` into an RGB picture.

    Args:
        data: the message's bytes: anything with the buffer protocol (bytes, array.array, ndarray).
        height: rows.
        width: columns.
        encoding: a name of `sensor_msgs/image_encodings`; upper and lower case are the same.
        step: bytes from one row to the next, padding included.
        is_bigendian: byte order of 16-bit channels.

    Returns:
        uint8 `[height, width, 3]`, RGB. For `rgb8` it is a read-only view on `data` (rows may be
        padded, so not always contiguous); otherwise a new contiguous array.

    Raises:
        PixelFormatError: unknown encoding, impossible size, or `step` and `data` that disagree.
    """
    layout = _layout_of(encoding)
    if height <= 0 or width <= 0:
        raise PixelFormatError(f"image of {width}x{height} pixels is empty; both must be positive")
    if height * width > MAX_PIXELS:
        raise PixelFormatError(f"image of {width}x{height} pixels is over {MAX_PIXELS} pixels")
    row_bytes = width * layout.channels * layout.bytes_per_channel
    if step < row_bytes:
        raise PixelFormatError(
            f"step {step} is too small: {width} columns of {encoding} need {row_bytes} bytes"
        )
    flat = _as_bytes(data)
    # The last row may come without its padding.
    needed = step * (height - 1) + row_bytes
    if flat.size < needed:
        raise PixelFormatError(
            f"data holds {flat.size} bytes; {width}x{height} {encoding} with step {step} "
            f"needs {needed}"
        )
    rows = np.lib.stride_tricks.as_strided(flat, (height, row_bytes), (step, 1), writeable=False)
    if layout.bytes_per_channel == 2:
        high_byte = 0 if is_bigendian else 1
        rows = rows[:, high_byte::2]
    pixels = rows.reshape(height, width, layout.channels)
    if layout.to_rgb is None:
        return pixels
    if layout.to_rgb in (cv2.COLOR_YUV2RGB_UYVY, cv2.COLOR_YUV2RGB_YUY2) and width % 2:
        raise PixelFormatError(f"{encoding} shares colour between pairs of columns; {width} is odd")
    return cv2.cvtColor(np.ascontiguousarray(pixels), layout.to_rgb)


def decode_compressed(
    data: Any,
    format: str = "",  # noqa: A002 - the message's own name for it
    *,
    upright: bool = False,
) -> np.ndarray:
    """Turn the fields of a `sensor_msgs/CompressedImage` (JPEG, PNG) into an RGB picture.

    The bytes themselves tell what they are; `format` is only used to name a kind that is no picture
    (`compressedDepth`) and in messages.

    Args:
        data: the encoded picture.
        format: the message's own description.
        upright: turn the picture as its EXIF tag asks. Off for cameras: calibration holds for the
            pixels as stored.

    Returns:
        uint8 `[H, W, 3]`, RGB, contiguous.

    Raises:
        PixelFormatError: empty, truncated, or not an image.
    """
    if "compresseddepth" in format.lower():
        raise PixelFormatError(f"format '{format}' is depth, not colour; choose a colour topic")
    flat = _as_bytes(data)
    named = f" (format '{format}')" if format else ""
    if flat.size == 0:
        raise PixelFormatError(f"compressed image{named} is empty")
    raw = flat.tobytes()
    try:
        # Only the header is read here: a size no camera has is refused before it is allocated.
        with Image.open(io.BytesIO(raw)) as header:
            width, height = header.size
            kind = header.format
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise PixelFormatError(
            f"compressed image{named} of {flat.size} bytes is not a picture: {error}"
        ) from error
    if width * height > MAX_PIXELS:
        raise PixelFormatError(f"image of {width}x{height} pixels is over {MAX_PIXELS} pixels")
    if kind == "JPEG" and raw.rfind(b"\xff\xd9") < 0:
        raise PixelFormatError(f"compressed image{named} of {flat.size} bytes is a truncated JPEG")
    orientation = 0 if upright else cv2.IMREAD_IGNORE_ORIENTATION
    pixels = cv2.imdecode(flat, cv2.IMREAD_COLOR | orientation)
    if pixels is None:
        raise PixelFormatError(f"compressed image{named} of {flat.size} bytes cannot be decoded")
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


def _layout_of(encoding: str) -> _Layout:
    layout = _LAYOUTS.get(encoding.lower())
    if layout is not None:
        return layout
    if encoding.lower() in _DEPTH_ENCODINGS:
        raise PixelFormatError(f"encoding '{encoding}' is depth, not colour; choose a colour topic")
    raise PixelFormatError(
        f"encoding '{encoding}' is not supported; publish one of {', '.join(SUPPORTED_ENCODINGS)}"
    )


def _as_bytes(data: Any) -> np.ndarray:
    try:
        return np.frombuffer(data, np.uint8)
    except (TypeError, ValueError, BufferError) as error:
        # frombuffer refuses an empty buffer in some numpy versions; the callers name the size.
        if hasattr(data, "__len__") and len(data) == 0:
            return np.empty(0, np.uint8)
        raise PixelFormatError(f"data of type {type(data).__name__} holds no bytes") from error
