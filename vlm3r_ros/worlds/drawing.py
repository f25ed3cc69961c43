"""A camera's view of a table of primitives before it is coloured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vlm3r_ros.worlds.boxes import FloatArray
from vlm3r_ros.worlds.compiled import kernel
from vlm3r_ros.worlds.primitives import PrimitiveTable
from vlm3r_ros.worlds.rasterizer import NO_PRIMITIVE, NOTHING, draw_boxes, draw_rounds, find_visible
from vlm3r_ros.worlds.scene import Intrinsics

NO_OBJECT = -1
"""Instance of what is no object: walls, the void."""


@dataclass(frozen=True, eq=False)
class Drawing:
    """What the rasterizer leaves, of `P` primitives.

    Attributes:
        inverse_depth: float32 `[H, W]`, 1/m along the optical axis; `NOTHING` where nothing is.
        primitive: int32 `[H, W]`, number of the primitive; `NO_PRIMITIVE` where nothing is.
        local_rays: `[P, 4, 3]`, see `find_visible`.
        pose: `T_world_camera` `[4, 4]`.
        lens: `(fx, fy, cx, cy)`.
    """

    inverse_depth: NDArray[np.float32]
    primitive: NDArray[np.int32]
    local_rays: FloatArray
    pose: FloatArray
    lens: FloatArray

    def depth_and_instance(
        self, instances: NDArray[np.int32]
    ) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """Metres and the instance of each pixel, from those of primitives: both `[H, W]`."""
        depth = np.empty_like(self.inverse_depth)
        instance = np.empty_like(self.primitive)
        _read_out(self.inverse_depth, self.primitive, instances, depth, instance)
        return depth, instance


@kernel
def _read_out(
    inverse_depth: NDArray[np.float32],
    primitive: NDArray[np.int32],
    instances: NDArray[np.int32],
    depth: NDArray[np.float32],
    instance: NDArray[np.int32],
) -> None:
    height, width = depth.shape
    for y in range(height):
        for x in range(width):
            p = primitive[y, x]
            instance[y, x] = instances[p] if p >= 0 else NO_OBJECT
            depth[y, x] = np.float32(1) / inverse_depth[y, x]


def draw(
    table: PrimitiveTable,
    intrinsics: Intrinsics,
    pose: FloatArray,
    chosen: NDArray[np.int32] | None = None,
) -> Drawing:
    """Rasterize all primitives, or those whose numbers are chosen (int32 `[N]`)."""
    drawing = Drawing(
        np.full((intrinsics.height, intrinsics.width), NOTHING),
        np.full((intrinsics.height, intrinsics.width), NO_PRIMITIVE, np.int32),
        np.empty((len(table), 4, 3)),
        pose,
        np.array([intrinsics.fx, intrinsics.fy, intrinsics.cx, intrinsics.cy], float),
    )
    numbers = np.arange(len(table), dtype=np.int32) if chosen is None else chosen
    rectangle = np.empty((len(table), 4), np.int64)
    find_visible(
        numbers,
        table.center,
        table.half,
        table.rotation,
        drawing.lens,
        pose,
        intrinsics.width,
        intrinsics.height,
        rectangle,
        drawing.local_rays,
    )
    for draw_shapes in (draw_boxes, draw_rounds):
        draw_shapes(
            numbers,
            table.shape,
            table.half,
            rectangle,
            drawing.local_rays,
            drawing.inverse_depth,
            drawing.primitive,
        )
    return drawing


def check_pose(T_world_camera: ArrayLike) -> FloatArray:
    """The pose as a contiguous array `[4, 4]`.

    Raises:
        ValueError: it is not 4x4, or not finite.
    """
    pose = np.ascontiguousarray(T_world_camera, float)
    if pose.shape != (4, 4):
        raise ValueError(f"a camera's pose is [4, 4], not {list(pose.shape)}")
    if not np.isfinite(pose).all():
        raise ValueError("the camera's pose holds NaN or inf: leave such frames out")
    return pose
