"""Which points of a frame are worth publishing, and their colours."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from vlm3r_ros.assistant.tracking import SceneObservation


def select_points(
    observation: SceneObservation,
    rgb: NDArray[np.uint8],
    min_confidence: float,
    max_points: int,
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """The finite points that are sure enough, thinned evenly over the image.

    Args:
        observation: an observation with points.
        rgb: uint8 `[H', W', 3]`, the frame it was made from, of any size.
        min_confidence: points with less are left out.
        max_points: at most so many.

    Returns:
        Points float32 `[N, 3]` in the map frame (m), and their colours uint8 `[N, 3]`.
    """
    if observation.points is None:
        return np.empty((0, 3), np.float32), np.empty((0, 3), np.uint8)
    height, width = observation.points.shape[:2]
    points = observation.points.reshape(-1, 3)
    usable = np.isfinite(points).all(axis=1)
    if observation.point_confidence is not None:
        usable &= observation.point_confidence.reshape(-1) >= min_confidence
    chosen = np.flatnonzero(usable)
    chosen = chosen[:: max(1, -(-len(chosen) // max_points))]
    if rgb.shape[:2] != (height, width):
        rgb = np.asarray(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    return points[chosen], rgb.reshape(-1, 3)[chosen]
