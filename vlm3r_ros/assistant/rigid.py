"""Rigid transforms `[4, 4]`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def orthonormal(T: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rigid transform nearest to `T`, so that rounding does not add up."""
    u, _, vt = np.linalg.svd(T[:3, :3])
    rigid = np.eye(4)
    rigid[:3, :3] = u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))]) @ vt
    rigid[:3, 3] = T[:3, 3]
    return rigid


def inverse(T: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse of a rigid transform."""
    result = np.eye(4)
    result[:3, :3] = T[:3, :3].T
    result[:3, 3] = -T[:3, :3].T @ T[:3, 3]
    return result
