"""Exact distances between oriented boxes, and from points to them, many at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numba import njit
from numpy.typing import NDArray

from vlm3r_ros.worlds.boxes import CORNER_SIGNS, FloatArray, OrientedBox

# Edges and axes whose squared sine is below this count as parallel: they add nothing then to what
# faces and vertices tell.
_PARALLEL = 1e-12


@dataclass(frozen=True, eq=False)
class BoxArrays:
    """Boxes as arrays.

    Attributes:
        centroids: `[N, 3]`, world frame, metres.
        halves: half side lengths along the boxes' own axes `[N, 3]`, metres.
        axes: row i of a box's matrix is its axis i in the world `[N, 3, 3]`.
    """

    centroids: FloatArray
    halves: FloatArray
    axes: FloatArray

    @classmethod
    def of(cls, boxes: Sequence[OrientedBox]) -> BoxArrays:
        """Stack boxes."""
        return cls(
            np.array([box.centroid for box in boxes], float).reshape(-1, 3),
            np.array([box.sides for box in boxes], float).reshape(-1, 3) / 2,
            np.array([box.axes for box in boxes], float).reshape(-1, 3, 3),
        )

    def __len__(self) -> int:
        return len(self.centroids)

    def contiguous(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Centroids, halves and axes in the form that compiled code takes."""
        return (
            np.ascontiguousarray(self.centroids),
            np.ascontiguousarray(self.halves),
            np.ascontiguousarray(self.axes),
        )

    def corners(self) -> FloatArray:
        """The corners of each, `[N, 8, 3]`, world frame; in the order of `OrientedBox.corners`."""
        offsets = (CORNER_SIGNS * self.halves[:, None]) @ self.axes
        return np.asarray(self.centroids[:, None] + offsets)

    def to_boxes(self, points: FloatArray) -> FloatArray:
        """World points `[M, 3]` in every box's own frame, `[M, N, 3]`."""
        offsets = points[:, None] - self.centroids
        return np.asarray(np.einsum("mnj,nij->mni", offsets, self.axes))


def box_distances(
    boxes: BoxArrays, first: NDArray[np.integer], second: NDArray[np.integer]
) -> FloatArray:
    """Exact distances between solid boxes; 0 where they touch or intersect.

    Boxes that a plane separates are nearest at a vertex of one and the other's solid, or at two
    edges; without a separating plane they intersect. Sides of 0 are allowed.

    Args:
        boxes: the boxes.
        first: numbers of each pair's first box, `[P]`.
        second: those of the second box.

    Returns:
        `[P]`, metres.
    """
    return np.asarray(_box_distances(*boxes.contiguous(), *index_pairs(first, second)))


def point_distances(points: FloatArray, boxes: BoxArrays) -> FloatArray:
    """Exact distances from world points `[M, 3]` to solid boxes, `[M, N]`; 0 inside."""
    outside = np.abs(boxes.to_boxes(points)) - boxes.halves
    return np.asarray(np.linalg.norm(np.maximum(outside, 0.0), axis=-1))


def index_pairs(
    first: NDArray[np.integer], second: NDArray[np.integer]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers of pairs in the form that compiled code takes."""
    return np.asarray(first, np.int64).ravel(), np.asarray(second, np.int64).ravel()


@njit(cache=True, nogil=True, error_model="numpy")
def relative_pose(
    centroids: FloatArray, axes: FloatArray, a: int, b: int, offset: FloatArray, turn: FloatArray
) -> None:
    """Box b in the frame of box a: `offset` is its middle, column j of `turn` its axis j."""
    for i in range(3):
        offset[i] = 0.0
        for k in range(3):
            offset[i] += axes[a, i, k] * (centroids[b, k] - centroids[a, k])
        for j in range(3):
            turn[i, j] = 0.0
            for k in range(3):
                turn[i, j] += axes[a, i, k] * axes[b, j, k]


@njit(cache=True, nogil=True, error_model="numpy")
def separated(half_a: FloatArray, half_b: FloatArray, offset: FloatArray, turn: FloatArray) -> bool:
    """Whether a plane lies between the boxes: the 15 candidates of the separating axis theorem."""
    for i in range(3):
        reach = half_a[i]
        for j in range(3):
            reach += half_b[j] * abs(turn[i, j])
        if abs(offset[i]) > reach:
            return True
    for j in range(3):
        along = 0.0
        reach = half_b[j]
        for i in range(3):
            along += offset[i] * turn[i, j]
            reach += half_a[i] * abs(turn[i, j])
        if abs(along) > reach:
            return True
    for i in range(3):
        i1, i2 = (i + 1) % 3, (i + 2) % 3
        for j in range(3):
            j1, j2 = (j + 1) % 3, (j + 2) % 3
            if 1.0 - turn[i, j] ** 2 < _PARALLEL:
                continue
            along = offset[i2] * turn[i1, j] - offset[i1] * turn[i2, j]
            reach = half_a[i1] * abs(turn[i2, j]) + half_a[i2] * abs(turn[i1, j])
            reach += half_b[j1] * abs(turn[i, j2]) + half_b[j2] * abs(turn[i, j1])
            if abs(along) > reach:
                return True
    return False


@njit(cache=True, nogil=True, error_model="numpy")
def _vertices_to_solid(
    half: FloatArray, other_half: FloatArray, offset: FloatArray, turn: FloatArray
) -> float:
    """Squared distance from the nearest vertex of the other box to this solid, in its frame."""
    best = np.inf
    for vertex in range(8):
        squared = 0.0
        for i in range(3):
            at = offset[i]
            for j in range(3):
                sign = 1.0 if (vertex >> j) & 1 else -1.0
                at += sign * other_half[j] * turn[i, j]
            outside = abs(at) - half[i]
            if outside > 0.0:
                squared += outside * outside
        best = min(best, squared)
    return best


@njit(cache=True, nogil=True, error_model="numpy")
def _edges_to_edges(
    half_a: FloatArray, half_b: FloatArray, offset: FloatArray, turn: FloatArray
) -> float:
    """Squared distance of the nearest two edges that face each other between their ends."""
    best = np.inf
    for i in range(3):
        i1, i2 = (i + 1) % 3, (i + 2) % 3
        for j in range(3):
            j1, j2 = (j + 1) % 3, (j + 2) % 3
            cosine = turn[i, j]
            sine2 = 1.0 - cosine * cosine
            if sine2 < _PARALLEL:
                continue
            x, y, z = turn[i, j], turn[i1, j], turn[i2, j]
            for side in range(4):
                b1 = half_b[j1] if side & 1 else -half_b[j1]
                b2 = half_b[j2] if side & 2 else -half_b[j2]
                u = -offset[i] - b1 * turn[i, j1] - b2 * turn[i, j2]
                v0 = -offset[i1] - b1 * turn[i1, j1] - b2 * turn[i1, j2]
                w0 = -offset[i2] - b1 * turn[i2, j1] - b2 * turn[i2, j2]
                for other in range(4):
                    # From the middle of the edge of b to that of the edge of a.
                    v = v0 + (half_a[i1] if other & 1 else -half_a[i1])
                    w = w0 + (half_a[i2] if other & 2 else -half_a[i2])
                    along_b = u * x + v * y + w * z
                    on_a = (cosine * along_b - u) / sine2
                    on_b = along_b + on_a * cosine
                    if abs(on_a) <= half_a[i] and abs(on_b) <= half_b[j]:
                        # Along the common normal of the two edges.
                        height = v * z - w * y
                        best = min(best, height * height / sine2)
    return best


@njit(cache=True, nogil=True, error_model="numpy")
def _box_distances(
    centroids: FloatArray,
    halves: FloatArray,
    axes: FloatArray,
    first: NDArray[np.int64],
    second: NDArray[np.int64],
) -> FloatArray:
    distances = np.empty(len(first))
    offset, turn = np.empty(3), np.empty((3, 3))
    back, turn_back = np.empty(3), np.empty((3, 3))
    for pair in range(len(first)):
        a, b = first[pair], second[pair]
        relative_pose(centroids, axes, a, b, offset, turn)
        if not separated(halves[a], halves[b], offset, turn):
            distances[pair] = 0.0
            continue
        relative_pose(centroids, axes, b, a, back, turn_back)
        squared = min(
            _vertices_to_solid(halves[a], halves[b], offset, turn),
            _vertices_to_solid(halves[b], halves[a], back, turn_back),
            _edges_to_edges(halves[a], halves[b], offset, turn),
        )
        distances[pair] = sqrt(squared)
    return distances
