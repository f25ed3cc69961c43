"""Trajectories as files of the TUM RGB-D benchmark, which `evo` reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation


def write_tum(path: Path, stamps: Sequence[float], T_world_camera: NDArray[np.float64]) -> None:
    """Write a line `time tx ty tz qx qy qz qw` a pose.

    Args:
        path: of the file; its folder is made.
        stamps: seconds, one a pose.
        T_world_camera: `[T, 4, 4]`, metres.

    Raises:
        ValueError: there are not as many times as poses.
    """
    if len(stamps) != len(T_world_camera):
        raise ValueError(f"{len(stamps)} times for {len(T_world_camera)} poses; give one for each")
    turned = Rotation.from_matrix(T_world_camera[:, :3, :3]).as_quat()
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = np.column_stack((stamps, T_world_camera[:, :3, 3], turned))
    np.savetxt(path, rows, fmt="%.6f")
