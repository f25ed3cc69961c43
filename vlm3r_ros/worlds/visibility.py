"""How much of each object a frame shows."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vlm3r_ros.worlds.boxes import FloatArray
from vlm3r_ros.worlds.compiled import kernel
from vlm3r_ros.worlds.drawing import check_pose
from vlm3r_ros.worlds.primitives import PrimitiveTable
from vlm3r_ros.worlds.rasterizer import count_silhouettes, find_visible
from vlm3r_ros.worlds.rendering import View
from vlm3r_ros.worlds.scene import Intrinsics, VisibleObject
from vlm3r_ros.worlds.world import World

FIELD = math.tan(math.radians(60.0))
"""Slope from the optical axis up to which a silhouette counts: 60 degrees to each side. Of a thing
that reaches beside or behind the camera, what lies farther out is no part of what could be seen."""

MAX_CANVAS = 20_000
"""Pixels of the rectangle around a silhouette; in a larger one it is counted on a coarser grid,
good to about a hundredth."""


def visible_objects(
    world: World, view: View, intrinsics: Intrinsics, T_world_camera: ArrayLike
) -> tuple[VisibleObject, ...]:
    """The objects that a frame shows, by ascending instance id.

    An object's `fraction` is the number of its pixels by the number it would have if nothing hid
    it and the image had no edges.

    Args:
        world: what was filmed.
        view: the frame.
        intrinsics: of the camera that took it.
        T_world_camera: where it was `[4, 4]`.

    Raises:
        ValueError: the pose is not 4x4 and finite.
    """
    pose = check_pose(T_world_camera)
    pixels, rectangles = _tally(view.instance, len(world.objects))
    shown = np.flatnonzero(pixels)
    silhouettes = _silhouettes(world.primitives, shown, intrinsics, pose)
    found = []
    for instance, whole in zip(shown.tolist(), silhouettes.tolist(), strict=True):
        count = int(pixels[instance])
        xmin, ymin, xmax, ymax = rectangles[instance].tolist()
        found.append(
            VisibleObject(instance, (xmin, ymin, xmax, ymax), count, count / max(whole, count))
        )
    return tuple(found)


def _silhouettes(
    table: PrimitiveTable, instances: NDArray[np.int64], intrinsics: Intrinsics, pose: FloatArray
) -> NDArray[np.int64]:
    """Pixels of the image, continued beyond its edges, that each object would cover `[K]`."""
    order = np.argsort(table.instance, kind="stable").astype(np.int32)
    sorted_instances = table.instance[order]
    low = np.searchsorted(sorted_instances, instances, side="left")
    counts = np.searchsorted(sorted_instances, instances, side="right") - low
    first = np.concatenate([[0], np.cumsum(counts)])
    parts = order[np.arange(first[-1]) + np.repeat(low - first[:-1], counts)]
    focal = np.array([intrinsics.fx, intrinsics.fy])
    middle = np.array([intrinsics.cx, intrinsics.cy])
    size = np.array([intrinsics.width, intrinsics.height])
    # Pixel centres of the continued image are whole numbers too.
    start = np.minimum(np.floor(middle - FIELD * focal), 0)
    end = np.maximum(np.ceil(middle + FIELD * focal) + 1, size)
    width, height = (end - start).astype(int).tolist()
    lens = np.concatenate([focal, middle - start])
    rectangle = np.empty((len(table), 4), np.int64)
    rays = np.empty((len(table), 4, 3))
    find_visible(
        parts, table.center, table.half, table.rotation, lens, pose, width, height, rectangle, rays
    )
    return count_silhouettes(parts, first, table.shape, table.half, rectangle, rays, MAX_CANVAS)


@kernel
def _tally(instance: NDArray[np.int32], count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pixels `[count]` of each object and their bounds `[count, 4]`, inclusive."""
    pixels = np.zeros(count, np.int64)
    bounds = np.empty((count, 4), np.int64)
    height, width = instance.shape
    for y in range(height):
        for x in range(width):
            i = instance[y, x]
            if i < 0:
                continue
            if pixels[i] == 0:
                bounds[i, 0], bounds[i, 1], bounds[i, 2], bounds[i, 3] = x, y, x, y
            pixels[i] += 1
            bounds[i, 0] = min(bounds[i, 0], x)
            bounds[i, 2] = max(bounds[i, 2], x)
            bounds[i, 3] = y
    return pixels, bounds
