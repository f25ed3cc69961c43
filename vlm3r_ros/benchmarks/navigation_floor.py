"""Where a body really fits in a world: against the solids themselves, not their boxes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from skimage.graph import MCP_Geometric

from vlm3r_ros.worlds.boxes import OrientedBox
from vlm3r_ros.worlds.free_space import FreeSpace
from vlm3r_ros.worlds.primitives import PrimitiveTable, Shape
from vlm3r_ros.worlds.scene import SceneObject
from vlm3r_ros.worlds.world import World

_SLICES = 7  # boxes that stand for what is round


def true_floor(world: World, radius: float, cell: float = 0.05) -> FreeSpace:
    """Where a body of `radius` metres can stand between the walls and solids of a world.

    Raises:
        SceneError: the world has no floor.
    """
    solids = [SceneObject("solid", box) for box in solid_boxes(world.primitives)]
    scene = replace(world.scene(), objects=tuple(solids), object_counts={"solid": len(solids)})
    return FreeSpace.of(scene, radius=radius, cell=cell)


def solid_boxes(table: PrimitiveTable) -> list[OrientedBox]:
    """Boxes that fill the primitives; what is round is cut into slices, across its x axis."""
    boxes = []
    # Slices as wide at their middle as the round itself: on average as much too wide as too narrow.
    offsets = (np.arange(_SLICES) + 0.5) / _SLICES * 2 - 1
    for shape, center, half, rotation in zip(
        table.shape.tolist(),
        table.center.astype(float),
        table.half.astype(float),
        table.rotation.astype(float),
        strict=True,
    ):
        if shape == Shape.BOX:
            boxes.append(OrientedBox(center, 2 * half, rotation.T))
            continue
        for offset in offsets.tolist():
            width = np.sqrt(1 - offset**2)
            height = width if shape == Shape.ELLIPSOID else 1.0
            sides = 2 * half * (1 / _SLICES, width, height)
            middle = center + rotation[:, 0] * half[0] * offset
            boxes.append(OrientedBox(middle, sides, rotation.T))
    return boxes


def path_clearance(floor: FreeSpace, path: ArrayLike) -> float:
    """Metres from a way `[K, 2]` to the nearest wall or solid; 0 where it meets one."""
    corners = np.asarray(path, float)
    return float(floor.line_clearance(corners[:-1], corners[1:]).min())


def distances_from(floor: FreeSpace, start: ArrayLike) -> NDArray[np.float64]:
    """Length of the shortest way over cells from a place to all cells `[H, W]`, metres.

    Infinite where the body cannot get to.
    """
    prices = np.where(floor.standable, floor.cell, -1.0)
    row, column = floor.cells(start)
    costs, _ = MCP_Geometric(prices).find_costs([(int(row), int(column))])
    return np.asarray(costs)
