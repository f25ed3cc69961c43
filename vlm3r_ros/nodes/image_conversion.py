"""Image messages to RGB arrays and back.

The common encodings are read without a copy where a view serves; for others cv_bridge is asked
where it is installed. `8UC3` and the other encodings without a colour order are read as OpenCV's
order, BGR. A message whose `step`, `height` and `data` disagree is refused with an error that says
how.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from vlm3r_ros.nodes.ros_libraries import image_through_cv_bridge
from vlm3r_ros.recordings.pixel_formats import (
    SUPPORTED_ENCODINGS,
    PixelFormatError,
    decode_compressed,
    decode_pixels,
)

UInt8Array = NDArray[np.uint8]

_COMPRESSED_SUFFIXES = {"jpeg": ".jpg", "png": ".png"}


class ImageError(ValueError):
    """An image message that cannot be used; the message says what is wrong with which field."""


def image_to_rgb(message: Image) -> UInt8Array:
    """The pixels of an image message.

    Returns:
        uint8 `[H, W, 3]`, RGB. For `rgb8` a read-only view on the message's data.

    Raises:
        ImageError: unknown encoding, empty or impossible size, or `step`, `height` and `data`
            that disagree.
    """
    size = len(message.data)
    if size == 0:
        raise ImageError(f"'data' is empty ({message.width}x{message.height} {message.encoding})")
    if message.encoding.lower() not in SUPPORTED_ENCODINGS:
        bridged = _through_cv_bridge(message)
        if bridged is not None:
            return bridged
    try:
        rgb = decode_pixels(
            message.data,
            message.height,
            message.width,
            message.encoding,
            message.step,
            bool(message.is_bigendian),
        )
    except PixelFormatError as error:
        raise ImageError(str(error)) from error
    if size > message.step * message.height:
        raise ImageError(
            f"'data' holds {size} bytes, more than 'step' {message.step} x 'height' "
            f"{message.height} = {message.step * message.height}"
        )
    return rgb


def _through_cv_bridge(message: Image) -> UInt8Array | None:
    try:
        return image_through_cv_bridge(message)
    except RuntimeError as error:
        raise ImageError(str(error)) from error


def compressed_to_rgb(message: CompressedImage) -> UInt8Array:
    """The pixels of a JPEG or PNG message: uint8 `[H, W, 3]`, RGB.

    Raises:
        ImageError: empty, truncated, or not a picture.
    """
    try:
        return decode_compressed(message.data, message.format)
    except PixelFormatError as error:
        raise ImageError(str(error)) from error


def rgb_to_image(rgb: UInt8Array, header: Header) -> Image:
    """An `rgb8` message of uint8 `[H, W, 3]`.

    Raises:
        ImageError: another shape or type.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise ImageError(f"an rgb8 image is uint8 [H, W, 3], not {rgb.dtype} {list(rgb.shape)}")
    height, width = rgb.shape[:2]
    message = Image(header=header, height=height, width=width, encoding="rgb8", step=width * 3)
    # frombytes fills the array in one copy; assigning bytes checks every element.
    message.data.frombytes(np.ascontiguousarray(rgb))
    return message


def rgb_to_compressed(
    rgb: UInt8Array,
    header: Header,
    format: str = "jpeg",  # noqa: A002 - the message's own field name
) -> CompressedImage:
    """A JPEG or PNG message of uint8 `[H, W, 3]`, RGB.

    Raises:
        ImageError: another format, or the encoder refuses the picture.
    """
    suffix = _COMPRESSED_SUFFIXES.get(format)
    if suffix is None:
        raise ImageError(f"compressed format {format!r} is not one of jpeg, png")
    done, encoded = cv2.imencode(suffix, cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    if not done:
        raise ImageError(f"cannot encode an image of shape {list(rgb.shape)} as {format}")
    message = CompressedImage(header=header, format=format)
    message.data.frombytes(encoded)
    return message


def depth_to_image(depth: NDArray[np.float32], header: Header) -> Image:
    """A `32FC1` depth message (REP-118) of float32 `[H, W]` in metres, NaN where unknown."""
    height, width = depth.shape
    message = Image(header=header, height=height, width=width, encoding="32FC1", step=width * 4)
    message.data.frombytes(np.ascontiguousarray(depth, dtype="<f4").view(np.uint8))
    return message
