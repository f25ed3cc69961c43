"""What a camera sees of a world: colour, metric depth and which object each pixel shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vlm3r_ros.worlds.drawing import NO_OBJECT, check_pose, draw
from vlm3r_ros.worlds.scene import Intrinsics
from vlm3r_ros.worlds.shading import shade
from vlm3r_ros.worlds.world import World

__all__ = ["NO_OBJECT", "View", "render"]


@dataclass(frozen=True, eq=False)
class View:
    """A frame.

    Attributes:
        color: uint8 `[H, W, 3]`, sRGB; None where none was asked for.
        depth: float32 `[H, W]`, metres along the optical axis through the pixel's centre;
            infinite where a ray meets nothing (REP-118).
        instance: int32 `[H, W]`, id of the object there, `NO_OBJECT` for walls and the like.
    """

    color: NDArray[np.uint8] | None
    depth: NDArray[np.float32]
    instance: NDArray[np.int32]


def render(
    world: World,
    intrinsics: Intrinsics,
    T_world_camera: ArrayLike,
    *,
    samples: int = 1,
    color: bool = True,
) -> View:
    """Look into a world. A solid that holds the camera is seen from inside.

    Args:
        world: what there is.
        intrinsics: of the camera.
        T_world_camera: camera to world `[4, 4]`, optical frame (x right, y down, z forward).
        samples: rays per pixel along each axis, for the smoothness of colour; depth and instance
            are those of the pixel's centre whatever it is.
        color: False leaves the colour out, which saves most of the time.

    Raises:
        ValueError: the pose is not 4x4 and finite, or `samples` is not positive.
    """
    pose = check_pose(T_world_camera)
    if samples < 1:
        raise ValueError(f"{samples} samples per pixel: it takes at least 1")
    drawing = draw(world.primitives, intrinsics, pose)
    depth, instance = drawing.depth_and_instance(world.primitives.instance)
    if not color:
        return View(None, depth, instance)
    if samples > 1:
        finer = intrinsics.resized(samples * intrinsics.width, samples * intrinsics.height)
        drawing = draw(world.primitives, finer, pose)
    return View(shade(world, drawing, samples), depth, instance)
