"""How much of each object a frame shows."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from vlm3r_ros.worlds.boxes import CORNER_SIGNS, FloatArray
from vlm3r_ros.worlds.drawing import check_pose, draw
from vlm3r_ros.worlds.primitives import PrimitiveTable
from vlm3r_ros.worlds.rasterizer import NO_PRIMITIVE
from vlm3r_ros.worlds.rendering import View
from vlm3r_ros.worlds.scene import Intrinsics, VisibleObject
from vlm3r_ros.worlds.world import World

FIELD = math.tan(math.radians(60.0))
"""Slope from the optical axis up to which a silhouette counts: 60 degrees to each side. Of a thing
that reaches beside or behind the camera, what lies farther out is no part of what could be seen."""

MAX_CANVAS = 20_000
"""Pixels; a larger silhouette is counted on a coarser grid, good to about a hundredth."""

_NEAR = 1e-3  # m


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
    table = world.primitives
    corners = _camera_corners(table, pose)
    found = []
    for instance in shown.tolist():
        parts = np.flatnonzero(table.instance == instance).astype(np.int32)
        canvas, pixel_area = _canvas(corners[parts], intrinsics)
        silhouette = draw(table, canvas, pose, parts).primitive != NO_PRIMITIVE
        whole = pixel_area * int(np.count_nonzero(silhouette))
        count = int(pixels[instance])
        xmin, ymin, xmax, ymax = rectangles[instance].tolist()
        found.append(
            VisibleObject(instance, (xmin, ymin, xmax, ymax), count, count / max(whole, count))
        )
    return tuple(found)


def _canvas(corners: FloatArray, intrinsics: Intrinsics) -> tuple[Intrinsics, int]:
    """A camera that holds all of an object, and the image's pixels that one of its pixels is.

    Its pixels are those of the image, going on beyond its edges, unless there are too many.

    Args:
        corners: of boxes around the object's parts, camera frame `[M, 8, 3]`.
        intrinsics: of the image.
    """
    depth = corners[..., 2:]
    if (depth > _NEAR).all():
        slopes = np.clip((corners[..., :2] / depth).reshape(-1, 2), -FIELD, FIELD)
        low, high = slopes.min(0), slopes.max(0)
    else:
        low, high = np.full(2, -FIELD), np.full(2, FIELD)
    focal, middle = (
        np.array([intrinsics.fx, intrinsics.fy]),
        np.array([intrinsics.cx, intrinsics.cy]),
    )
    first = np.floor(low * focal + middle)
    width, height = np.ceil(high * focal + middle) - first + 1
    step = math.ceil(math.sqrt(max(1.0, width * height / MAX_CANVAS)))
    cx, cy = (middle - first) / step
    canvas = replace(
        intrinsics,
        fx=intrinsics.fx / step,
        fy=intrinsics.fy / step,
        cx=float(cx),
        cy=float(cy),
        width=int(width // step) + 1,
        height=int(height // step) + 1,
    )
    return canvas, step**2


def _camera_corners(table: PrimitiveTable, pose: FloatArray) -> FloatArray:
    """Corners of the boxes around all primitives, camera frame `[P, 8, 3]`."""
    local = CORNER_SIGNS * table.half[:, None]
    in_world = table.center[:, None] + local @ table.rotation.transpose(0, 2, 1)
    return np.asarray((in_world - pose[:3, 3]) @ pose[:3, :3])


@njit(cache=True, nogil=True)
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
