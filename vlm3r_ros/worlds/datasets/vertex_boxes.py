"""Tight boxes around the vertices of an object."""

from __future__ import annotations

import numpy as np
from scipy.spatial import ConvexHull, QhullError

from vlm3r_ros.worlds.boxes import FloatArray, OrientedBox

MIN_VERTICES = 4
THINNEST = 1e-4
"""Metres; what is flatter is a piece of a plane, and has no box."""

_CHUNK = 2**21


class DegenerateError(ValueError):
    """Points that have no box: too few, or in a plane."""


def upright_box(points: FloatArray) -> OrientedBox:
    """The smallest box that stands on its bottom and holds points `[N, 3]`.

    Of all rectangles around points in a plane, the smallest has a side along their hull.

    Raises:
        DegenerateError: fewer than 4 points, or all in a plane.
    """
    hull = _hull(points, 2)
    corners = points[hull.vertices, :2]
    edges = np.roll(corners, -1, 0) - corners
    along = edges / np.linalg.norm(edges, axis=1, keepdims=True)
    across = np.stack([-along[:, 1], along[:, 0]], 1)
    directions = np.stack([along, across], 1)
    places = directions @ corners.T
    best = int(np.argmin(np.ptp(places, axis=2).prod(1)))
    axes = np.eye(3)
    axes[:2, :2] = directions[best]
    return _box(axes, points)


def minimum_volume_box(points: FloatArray) -> OrientedBox:
    """The published box of points `[N, 3]`: of least volume, at any tilt.

    Of all boxes with a face on a triangle of the hull and an edge along the triangle's first
    side it takes the smallest, as `get_minimal_oriented_bounding_box` of Open3D 0.18 does. It may
    stand on an edge or a corner, and its axes are in no order.

    Raises:
        DegenerateError: fewer than 4 points, or all in a plane.
    """
    hull = _hull(points, 3)
    corners = points[hull.vertices]
    triangles = points[hull.simplices]
    sides = triangles[:, 1] - triangles[:, 0]
    along = sides / np.linalg.norm(sides, axis=1, keepdims=True)
    up = hull.equations[:, :3]
    axes = np.stack([along, np.cross(up, along), up], 1)
    # In pieces, for memory's sake: a hull may have thousands of triangles.
    rows = max(1, _CHUNK // len(corners))
    volumes = np.concatenate(
        [
            np.ptp(axes[start : start + rows] @ corners.T, axis=2).prod(1)
            for start in range(0, len(axes), rows)
        ]
    )
    return _box(axes[int(np.argmin(volumes))], corners)


def _hull(points: FloatArray, dimensions: int) -> ConvexHull:
    if len(points) < MIN_VERTICES:
        raise DegenerateError(f"it has {len(points)} vertices, and a box needs {MIN_VERTICES}")
    try:
        return ConvexHull(points[:, :dimensions])
    except QhullError as error:
        raise DegenerateError(f"its {len(points)} vertices lie in a plane") from error


def _box(axes: FloatArray, points: FloatArray) -> OrientedBox:
    places = axes @ points.T
    low, high = places.min(1), places.max(1)
    if (high - low).min() < THINNEST:
        raise DegenerateError(f"its {len(points)} vertices lie in a plane")
    return OrientedBox(((low + high) / 2) @ axes, high - low, axes)
