"""The size of a room: the area of the alpha shape of its scan, seen from above."""

from __future__ import annotations

import numpy as np
from scipy.spatial import Delaunay, QhullError

from vlm3r_ros.worlds.boxes import FloatArray
from vlm3r_ros.worlds.datasets.ply import Mesh
from vlm3r_ros.worlds.datasets.vertex_boxes import DegenerateError

RADIUS = 0.2
"""Metres: a disc of this radius that holds no point lies outside of the room (alpha = 5)."""

DRAWN_POINTS = 10_000
"""Of the published procedure, whatever the size of the room."""

# Points that are drawn on a square metre of large triangles seen from above, and the cells of which
# each keeps its outermost points: dense enough for `RADIUS`, and no denser for a finer mesh.
_DENSITY = 400
_CELL = 0.15
_MOST_DRAWN = 2_000_000


def alpha_shape_area(points: FloatArray, radius: float = RADIUS) -> float:
    """Area of the Delaunay triangles of points `[N, 2]` that a circle of the radius goes around.

    Holes are not filled.

    Raises:
        DegenerateError: the points are too few or lie on a line.
    """
    try:
        corners = points[Delaunay(points).simplices]
    except (QhullError, ValueError) as error:
        raise DegenerateError(f"its {len(points)} points seen from above have no area") from error
    a, b, c = np.moveaxis(corners - np.roll(corners, 1, 1), 1, 0)
    area = np.abs(b[:, 0] * c[:, 1] - b[:, 1] * c[:, 0]) / 2
    sides = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1) * np.linalg.norm(c, axis=1)
    return float(area[sides < 4 * radius * area].sum())


def room_size(mesh: Mesh) -> float:
    """Floor area of a scan in square metres, as dense in a large room as in a small one.

    Where a mesh is coarse, as on bare floors, points are drawn on its triangles as well.

    Raises:
        DegenerateError: seen from above it has no area.
    """
    points = np.concatenate([mesh.vertices[:, :2], _surface_points(mesh)])
    return alpha_shape_area(_outermost(points))


def published_room_size(mesh: Mesh, seed: int) -> float:
    """Floor area in square metres from 10 000 vertices drawn with replacement.

    Rooms of over 80 square metres come out too small: that many points lie too far apart.

    Raises:
        DegenerateError: seen from above it has no area.
    """
    drawn = np.random.default_rng(seed).integers(len(mesh.vertices), size=DRAWN_POINTS)
    return alpha_shape_area(mesh.vertices[drawn, :2])


def _surface_points(mesh: Mesh) -> FloatArray:
    """Points on the triangles that are large from above, evenly `[M, 2]`."""
    # Coordinate by coordinate: large meshes are gathered several times faster so.
    x, y = np.ascontiguousarray(mesh.vertices[:, :2].T)
    a, b, c = mesh.triangles.T
    area = np.abs((x[b] - x[a]) * (y[c] - y[a]) - (y[b] - y[a]) * (x[c] - x[a])) / 2
    large = area > _CELL**2 / 2
    corners = mesh.vertices[mesh.triangles[large], :2]
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    reach = np.cumsum(area[large])
    if not len(reach):
        return np.empty((0, 2))
    count = min(int(np.ceil(reach[-1] * _DENSITY)), _MOST_DRAWN)
    generator = np.random.default_rng(0)
    chosen = np.searchsorted(reach, (np.arange(count) + 0.5) / count * reach[-1])
    u, v = generator.random((2, count, 1))
    outside = u + v > 1
    u, v = np.where(outside, 1 - u, u), np.where(outside, 1 - v, v)
    return np.asarray(corners[chosen, 0] + u * first[chosen] + v * second[chosen])


def _outermost(points: FloatArray) -> FloatArray:
    """Of the points `[N, 2]` in each cell of a grid, those farthest along the axes."""
    cells = np.floor(points / _CELL).astype(np.int64)
    cells -= cells.min(0)
    key = cells[:, 0] * (cells[:, 1].max() + 1) + cells[:, 1]
    kept = np.zeros(len(points), bool)
    for axis in range(2):
        order = np.lexsort((points[:, axis], key))
        ends = np.flatnonzero(np.diff(key[order]))
        kept[order[np.r_[0, ends + 1]]] = True
        kept[order[np.r_[ends, len(order) - 1]]] = True
    return points[kept]
