"""Small motions between two poses of a camera, as a video has them."""

from __future__ import annotations

import math

import numpy as np
from scipy.spatial.transform import Rotation, Slerp

from vlm3r_ros.worlds.boxes import FloatArray

FRAME_RATE = 10.0
"""Hz of the frames in between."""

_MOST_MOVE = 0.08  # m from frame to frame
_MOST_TURN = math.radians(6.0)


def small_motions(T_world_start: FloatArray, T_world_end: FloatArray) -> list[FloatArray]:
    """Poses `[4, 4]` on the straight way from one pose to another, at walking pace.

    Args:
        T_world_start: where the camera is; not among the poses.
        T_world_end: where it goes; the last of the poses.
    """
    start, end = np.asarray(T_world_start, float), np.asarray(T_world_end, float)
    turn = Rotation.from_matrix(start[:3, :3].T @ end[:3, :3]).magnitude()
    move = float(np.linalg.norm(end[:3, 3] - start[:3, 3]))
    count = max(1, math.ceil(move / _MOST_MOVE), math.ceil(turn / _MOST_TURN))
    shares = np.arange(1, count) / count
    between = np.tile(np.eye(4), (count - 1, 1, 1))
    rotations = Slerp([0, 1], Rotation.from_matrix([start[:3, :3], end[:3, :3]]))
    if count > 1:
        between[:, :3, :3] = rotations(shares).as_matrix()
        between[:, :3, 3] = start[:3, 3] + shares[:, None] * (end[:3, 3] - start[:3, 3])
    return [*between, end]
