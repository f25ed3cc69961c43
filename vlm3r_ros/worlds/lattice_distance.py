"""Distances as the published generators measure them: between points of a 5 cm lattice in a box.

A side of e metres carries ceil(e / 0.05) points, evenly from end to end (a single point sits at the
lower end); points no farther than e / 4 from the middle along all three axes are left out. The
published code then crops the points to the box with Open3D, whose rounding loses some on the
surface. Here the crop keeps them all, so that a distance may come out a few centimetres shorter.
"""

from __future__ import annotations

from math import ceil, floor, sqrt

import numpy as np
from numba import njit
from numpy.typing import NDArray

from vlm3r_ros.worlds.box_distance import BoxArrays, index_pairs, relative_pose, separated
from vlm3r_ros.worlds.boxes import FloatArray

LATTICE_STEP = 0.05
"""Metres between lattice points at the least; a side is divided evenly."""


def lattice_box_distances(
    boxes: BoxArrays, first: NDArray[np.integer], second: NDArray[np.integer]
) -> FloatArray:
    """Distances between the lattices of boxes.

    Args:
        boxes: the boxes; sides must be above 0, as a side of 0 carries no points.
        first: numbers of each pair's first box, `[P]`.
        second: those of the second box.

    Returns:
        `[P]`, metres.
    """
    return np.asarray(_lattice_box_distances(*boxes.contiguous(), *index_pairs(first, second)))


def lattice_point_distances(points: FloatArray, boxes: BoxArrays) -> FloatArray:
    """Distances from world points `[M, 3]` to the lattices of boxes, `[M, N]`, metres."""
    local = np.ascontiguousarray(boxes.to_boxes(points))
    return np.asarray(_lattice_point_distances(local, np.ascontiguousarray(boxes.halves)))


def lattice_counts(sides: FloatArray) -> NDArray[np.int64]:
    """Lattice points along sides `[...]` in metres, `[...]`."""
    return np.ceil(np.asarray(sides, float) / LATTICE_STEP).astype(np.int64)


@njit(cache=True, nogil=True, error_model="numpy")
def _count(half: float) -> int:
    return ceil(2.0 * half / LATTICE_STEP)


@njit(cache=True, nogil=True, error_model="numpy")
def _coordinate(half: float, count: int, index: int) -> float:
    return -half if count == 1 else -half + index * (2.0 * half / (count - 1))


@njit(cache=True, nogil=True, error_model="numpy")
def _nearest_index(half: float, count: int, at: float) -> int:
    if count == 1:
        return 0
    index = floor((at + half) / (2.0 * half / (count - 1)) + 0.5)
    return min(max(index, 0), count - 1)


@njit(cache=True, nogil=True, error_model="numpy")
def _nearest_outer(half: float, count: int, at: float) -> float:
    """Of a side's coordinates that lie more than a quarter of it from the middle, the nearest."""
    index = _nearest_index(half, count, at)
    best = np.inf
    nearest = 0.0
    for step in (-1, 1):
        k = index
        while 0 <= k < count and abs(_coordinate(half, count, k)) <= half / 2.0:
            k += step
        if 0 <= k < count:
            coordinate = _coordinate(half, count, k)
            if abs(coordinate - at) < best:
                best = abs(coordinate - at)
                nearest = coordinate
    return nearest


@njit(cache=True, nogil=True, error_model="numpy")
def _point_to_lattice(x: float, y: float, z: float, half: FloatArray) -> float:
    """Squared distance from a point in the box's frame to the nearest lattice point.

    A lattice point is chosen axis by axis. Only where all three choices fall into the core that is
    left out, one of them has to move out of it: the one for which that costs least.
    """
    squared = 0.0
    inside = True
    cheapest = np.inf
    for i in range(3):
        at = x if i == 0 else (y if i == 1 else z)
        count = _count(half[i])
        coordinate = _coordinate(half[i], count, _nearest_index(half[i], count, at))
        squared += (coordinate - at) ** 2
        if abs(coordinate) > half[i] / 2.0:
            inside = False
        else:
            outer = _nearest_outer(half[i], count, at)
            cheapest = min(cheapest, (outer - at) ** 2 - (coordinate - at) ** 2)
    return squared + cheapest if inside else squared


@njit(cache=True, nogil=True, error_model="numpy")
def _point_to_solid(x: float, y: float, z: float, half: FloatArray) -> float:
    """Squared distance from a point in the box's frame to the solid box."""
    dx = max(abs(x) - half[0], 0.0)
    dy = max(abs(y) - half[1], 0.0)
    dz = max(abs(z) - half[2], 0.0)
    return dx * dx + dy * dy + dz * dz


@njit(cache=True, nogil=True, error_model="numpy")
def _lattice_point_distances(local: FloatArray, halves: FloatArray) -> FloatArray:
    distances = np.empty(local.shape[:2])
    for m in range(local.shape[0]):
        for n in range(local.shape[1]):
            x, y, z = local[m, n]
            distances[m, n] = sqrt(_point_to_lattice(x, y, z, halves[n]))
    return distances


@njit(cache=True, nogil=True, error_model="numpy")
def _surface_count(half: FloatArray) -> int:
    x, y, z = _count(half[0]), _count(half[1]), _count(half[2])
    return x * y + y * z + z * x


@njit(cache=True, nogil=True, error_model="numpy")
def _lattice_box_distances(
    centroids: FloatArray,
    halves: FloatArray,
    axes: FloatArray,
    first: NDArray[np.int64],
    second: NDArray[np.int64],
) -> FloatArray:
    """Every lattice point of the smaller box against the whole lattice of the larger one."""
    distances = np.empty(len(first))
    offset, turn = np.empty(3), np.empty((3, 3))
    for pair in range(len(first)):
        a, b = first[pair], second[pair]
        if _surface_count(halves[a]) < _surface_count(halves[b]):
            a, b = b, a
        relative_pose(centroids, axes, a, b, offset, turn)
        # Seen from outside a box, the nearest of its lattice points lies on its surface.
        surface_only = separated(halves[a], halves[b], offset, turn)
        half = halves[b]
        counts = (_count(half[0]), _count(half[1]), _count(half[2]))
        best = np.inf
        for i in range(counts[0]):
            u = _coordinate(half[0], counts[0], i)
            for j in range(counts[1]):
                v = _coordinate(half[1], counts[1], j)
                on_edge = i == 0 or i == counts[0] - 1 or j == 0 or j == counts[1] - 1
                step = max(counts[2] - 1, 1) if surface_only and not on_edge else 1
                for k in range(0, counts[2], step):
                    w = _coordinate(half[2], counts[2], k)
                    if (
                        abs(u) <= half[0] / 2.0
                        and abs(v) <= half[1] / 2.0
                        and abs(w) <= half[2] / 2.0
                    ):
                        continue
                    x = offset[0] + turn[0, 0] * u + turn[0, 1] * v + turn[0, 2] * w
                    y = offset[1] + turn[1, 0] * u + turn[1, 1] * v + turn[1, 2] * w
                    z = offset[2] + turn[2, 0] * u + turn[2, 1] * v + turn[2, 2] * w
                    # No lattice point is nearer than the solid that holds it.
                    if _point_to_solid(x, y, z, halves[a]) < best:
                        best = min(best, _point_to_lattice(x, y, z, halves[a]))
        distances[pair] = sqrt(best)
    return distances
