"""Oriented boxes: where an object is and how large, in the world frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

# Signs of the 8 corners along the box's own axes, [8, 3].
CORNER_SIGNS: FloatArray = np.array(
    [[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float
)


@dataclass(frozen=True, eq=False)
class OrientedBox:
    """A box of any orientation.

    Attributes:
        centroid: middle, world frame `[3]`, metres.
        sides: full side lengths along the box's own axes `[3]`, metres.
        axes: row i is the unit vector of axis i in the world frame `[3, 3]`; its transpose takes
            box coordinates to the world.
    """

    centroid: FloatArray
    sides: FloatArray
    axes: FloatArray

    @classmethod
    def upright(cls, centroid: ArrayLike, sides: ArrayLike, yaw: float = 0.0) -> OrientedBox:
        """A box that stands on its bottom, turned by `yaw` (rad) about the vertical."""
        cos, sin = np.cos(yaw), np.sin(yaw)
        axes = np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])
        return cls(np.asarray(centroid, float), np.asarray(sides, float), axes)

    def corners(self) -> FloatArray:
        """The 8 corners in the world frame, `[8, 3]`."""
        return self.centroid + (CORNER_SIGNS * (self.sides / 2)) @ self.axes

    @property
    def low(self) -> FloatArray:
        """Lowest corner of the axis-aligned bounds, world frame `[3]`."""
        return self.centroid - self._reach()

    @property
    def high(self) -> FloatArray:
        """Highest corner of the axis-aligned bounds, world frame `[3]`."""
        return self.centroid + self._reach()

    def to_box(self, points: ArrayLike) -> FloatArray:
        """World points `[..., 3]` in the box's own frame, whose origin is the centroid."""
        return np.asarray((np.asarray(points, float) - self.centroid) @ self.axes.T)

    def distance(self, points: ArrayLike) -> FloatArray:
        """Distance in metres from world points `[..., 3]` to the solid box `[...]`; 0 inside."""
        outside = np.abs(self.to_box(points)) - self.sides / 2
        return np.asarray(np.linalg.norm(np.maximum(outside, 0.0), axis=-1))

    def _reach(self) -> FloatArray:
        return np.asarray(np.abs(self.axes.T) @ (self.sides / 2))
