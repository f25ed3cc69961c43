"""How large the world is, from how high the camera is known to be above the floor.

One camera cannot tell a small near room from a large far one; a network guesses by what it has
seen, and is off by the same share for minutes. Where the camera is mounted at a known height, the
floor settles it (Scaramuzza and others, 2009, do so for cars): landmarks that lie on the floor have
to be that far below.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from vlm3r_ros.assistant.pose_solving import FloatArray
from vlm3r_ros.navigation.floor import sight_floor

_LEAST = 8  # landmarks that make a floor
_WINDOW = 0.12  # of the logarithm of their depth below the camera, over which they may scatter
_SHARE = 0.5  # of the most landmarks at one height, that make a lower height the floor
_HEAD = 0.15  # m: a floor is at least that far below the camera
_AGREE = 0.25  # by which the logarithms of landmarks' and pointmap's floor may differ
_FAR_OFF = 0.7  # of the logarithm of a scale, from which it is not believed
_FEW = 3  # sightings below which nothing is concluded
_RECENT = 31  # sightings that count


def check_camera_height(height: float) -> float:
    """The height, metres.

    Raises:
        ValueError: it is not above 0 and finite.
    """
    if not (np.isfinite(height) and height > 0):
        raise ValueError(f"camera_height is {height} m; it must be above 0")
    return height


class MetricScale:
    """Says by how much a network's pointmaps have to grow.

    Args:
        camera_height: of the camera above the floor, metres.

    Raises:
        ValueError: the height is not above 0 and finite.
    """

    def __init__(self, camera_height: float) -> None:
        self._camera_height = check_camera_height(camera_height)
        self._sightings: deque[float] = deque(maxlen=_RECENT)

    @property
    def factor(self) -> float:
        """How many times as far things are as the network has them; 1 until a floor was seen."""
        if len(self._sightings) < _FEW:
            return 1.0
        return float(np.exp(np.median(self._sightings)))

    def observe(self, landmarks: FloatArray, points: NDArray[np.float32]) -> None:
        """Takes in a frame that was brought to size by `factor` already.

        Landmarks say it more exactly, but may all be on a table: they count where the pointmap has
        a floor at their height.

        Args:
            landmarks: whose depth is well known `[N, 3]`, from the camera, z up, metres.
            points: pointmap `[..., 3]`, likewise.
        """
        depth = _lowest_level(-landmarks[:, 2])
        if depth is None:
            return
        cloud = points.reshape(-1, 3)
        floor = sight_floor(cloud[np.isfinite(cloud).all(1)], 0.0)
        if floor is None:
            return
        change = float(np.log(self._camera_height / depth))
        if abs(np.log(depth / floor.depth)) < _AGREE and abs(change) < _FAR_OFF:
            self._sightings.append(change + float(np.log(self.factor)))


def _lowest_level(depths: FloatArray) -> float | None:
    """Depth of the lowest level that many of the landmarks `[N]` below the camera share."""
    logs = np.sort(np.log(depths[depths > _HEAD]))
    if len(logs) < _LEAST:
        return None
    counts = np.searchsorted(logs, logs + _WINDOW) - np.arange(len(logs))
    enough = np.flatnonzero(counts >= max(_LEAST, _SHARE * counts.max()))
    if not len(enough):
        return None
    # The lowest window that holds enough may hold but the floor's edge.
    near = enough[logs[enough] > logs[enough[-1]] - _WINDOW]
    start = int(near[counts[near].argmax()])
    return float(np.exp(np.median(logs[start : start + counts[start]])))
