"""Poses as visual odometry would tell them: the true ones, led astray from step to step.

To run the odometry itself would cost a session of training as much as its frames. How far it goes
wrong was measured over the 12-second walks of 24 validation rooms, ten frames a second, without a
calibrated camera.
"""

from __future__ import annotations

from itertools import accumulate

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

_SCALE = 0.25  # standard deviation of the logarithm of a whole walk's size
_STRETCH = 0.14  # of a step's length
_ASIDE = 0.12  # of a step's direction, radians
_TURN = np.radians(0.4)  # of a step's turn about each axis
_LEVELS = (0.25, 1.5)
"""Cameras are calibrated or not, rooms have corners or have none: all of it times between these."""


def wander(
    T_world_camera: NDArray[np.float64], generator: np.random.Generator
) -> NDArray[np.float32]:
    """Where a session's cameras are taken to be, in the optical frame of the first.

    Args:
        T_world_camera: true poses `[F, 4, 4]`.
        generator: of random numbers.

    Returns:
        `[F, 4, 4]`, float32.
    """
    steps = np.linalg.inv(T_world_camera[:-1]) @ T_world_camera[1:]
    count = len(steps)
    level = generator.uniform(*_LEVELS)
    lengths = np.exp(
        level * (_SCALE * generator.normal() + _STRETCH * generator.normal(size=count))
    )
    aside = Rotation.from_rotvec(level * _ASIDE * generator.normal(size=(count, 3)))
    turned = Rotation.from_rotvec(level * _TURN * generator.normal(size=(count, 3)))
    steps[:, :3, 3] = lengths[:, None] * aside.apply(steps[:, :3, 3])
    steps[:, :3, :3] = steps[:, :3, :3] @ turned.as_matrix()
    return np.stack(list(accumulate(steps, np.matmul, initial=np.eye(4)))).astype(np.float32)
