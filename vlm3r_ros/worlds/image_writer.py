"""Depth and instance images as 16-bit PNG, in the encoding of ScanNet's files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

MILLIMETRES = 1000.0
_LARGEST = np.iinfo(np.uint16).max


def write_depth(path: Path, depth: NDArray[np.float32]) -> None:
    """Write depth as 16-bit PNG, one unit a millimetre.

    Args:
        path: the file; its folder is made.
        depth: metres along the optical axis `[H, W]`. What is not finite, or too far for 16 bits
            (65.5 m), is written as 0: no depth.
    """
    millimetres = np.rint(depth.astype(np.float64) * MILLIMETRES)
    known = np.isfinite(millimetres) & (millimetres > 0) & (millimetres <= _LARGEST)
    _write(path, np.where(known, millimetres, 0).astype(np.uint16))


def write_instances(path: Path, instance: NDArray[np.int32]) -> None:
    """Write instance ids as 16-bit PNG: 0 where there is no object, otherwise the id + 1.

    Args:
        path: the file; its folder is made.
        instance: `[H, W]`, -1 where there is no object.

    Raises:
        ValueError: an id does not fit into 16 bits.
    """
    if instance.size and (instance.min() < -1 or instance.max() >= _LARGEST):
        raise ValueError(
            f"instance ids from {instance.min()} to {instance.max()} do not fit into 16 bits"
        )
    _write(path, (instance + 1).astype(np.uint16))


def _write(path: Path, image: NDArray[np.uint16]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    encoded = cv2.imencode(".png", image)[1]
    path.write_bytes(encoded.tobytes())
