"""What rendered worlds are made of: boxes, cylinders and ellipsoids with a material."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Color = tuple[float, float, float]


class Shape(IntEnum):
    """Forms that a ray meets in closed form; all lie within `±half` of their own frame."""

    BOX = 0
    CYLINDER = 1
    """Elliptic, along its own z axis, closed at both ends."""
    ELLIPSOID = 2


class Texture(IntEnum):
    """How a surface is painted, from its own coordinates and its material's two colours."""

    PLAIN = 0
    """The first colour, faintly uneven."""
    WOOD = 1
    PLANKS = 2
    TILES = 3
    BRICKS = 4
    FABRIC = 5
    STRIPES = 6
    CHECKS = 7
    BOOKS = 8
    PICTURE = 9
    DAYLIGHT = 10
    """A window's sky, shining by itself, with bars in the second colour."""
    SCREEN = 11
    """A display: the first colour with rows and windows of the second."""
    LEAVES = 12
    METAL = 13
    CLOCK_FACE = 14
    """First colour with twelve marks and two hands in the second, on the face across local y."""
    GRID = 15
    """Rows of holes or ribs of the second colour: radiators, keyboards, vents."""
    MIRROR = 16
    """Bright and smooth with slanted streaks; it does not show a reflection."""
    PLASTER = 17


@dataclass(frozen=True)
class Material:
    """A texture with its colours.

    Attributes:
        texture: the pattern.
        color, second: base and pattern colour, linear RGB in [0, 1].
        scale: size of the pattern relative to its usual one.
        emission: 0 lit by the room's lamps, 1 shining by itself.
    """

    texture: Texture = Texture.PLAIN
    color: Color = (0.7, 0.7, 0.7)
    second: Color = (0.3, 0.3, 0.3)
    scale: float = 1.0
    emission: float = 0.0


@dataclass(frozen=True, eq=False)
class Primitive:
    """A solid.

    Attributes:
        shape: its form.
        center: in its parent's frame `[3]`, metres.
        half: half extents along its own axes `[3]`, metres.
        material: how it looks.
        yaw: turn about its parent's z axis, rad.
        pitch: turn about its own x axis before the yaw, rad: for leaning backs and slanted lamps.
    """

    shape: Shape
    center: tuple[float, float, float]
    half: tuple[float, float, float]
    material: Material
    yaw: float = 0.0
    pitch: float = 0.0

    def rotation(self) -> NDArray[np.float64]:
        """Own frame to the parent's, `[3, 3]`."""
        return _rotations(np.array([self.yaw]), np.array([self.pitch]))[0]


@dataclass(frozen=True, eq=False)
class PrimitiveTable:
    """Primitives in the world frame, as arrays for the renderer.

    Attributes:
        shape: `[P]` int32, `Shape`.
        center: `[P, 3]` float32.
        half: `[P, 3]` float32.
        rotation: own frame to world `[P, 3, 3]` float32.
        instance: `[P]` int32: id of the object it is part of, -1 for walls, floor and ceiling.
        texture: `[P]` int32, `Texture`.
        color, second: `[P, 3]` float32.
        scale, emission: `[P]` float32.
        seed: `[P]` uint32: of its pattern.
    """

    shape: NDArray[np.int32]
    center: NDArray[np.float32]
    half: NDArray[np.float32]
    rotation: NDArray[np.float32]
    instance: NDArray[np.int32]
    texture: NDArray[np.int32]
    color: NDArray[np.float32]
    second: NDArray[np.float32]
    scale: NDArray[np.float32]
    emission: NDArray[np.float32]
    seed: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.shape)


@dataclass(frozen=True, eq=False)
class Placed:
    """Primitives of one thing, placed: the thing's origin in the world and its turn about z.

    Attributes:
        primitives: in the thing's own frame.
        position: of its origin, world frame `[3]`, metres.
        yaw: its x axis from the world's, rad.
        instance: id of the object; -1 for what is no object.
        seed: of its patterns.
    """

    primitives: Sequence[Primitive]
    position: tuple[float, float, float] = (0.0, 0.0, 0.0)
    yaw: float = 0.0
    instance: int = -1
    seed: int = 0


def build_table(placed: Sequence[Placed]) -> PrimitiveTable:
    """Bring all primitives into the world frame."""
    rows: list[tuple[Placed, Primitive, int]] = [
        (thing, primitive, number)
        for thing in placed
        for number, primitive in enumerate(thing.primitives)
    ]
    yaw = np.array([thing.yaw for thing, _, _ in rows])
    cos, sin = np.cos(yaw), np.sin(yaw)
    turn = np.zeros((len(rows), 3, 3))
    turn[:, 0, 0], turn[:, 0, 1] = cos, -sin
    turn[:, 1, 0], turn[:, 1, 1] = sin, cos
    turn[:, 2, 2] = 1
    local = _rotations(
        np.array([p.yaw for _, p, _ in rows]), np.array([p.pitch for _, p, _ in rows])
    )
    offset = np.array([p.center for _, p, _ in rows], float).reshape(-1, 3)
    origin = np.array([thing.position for thing, _, _ in rows], float).reshape(-1, 3)
    materials = [p.material for _, p, _ in rows]
    return PrimitiveTable(
        shape=np.array([p.shape for _, p, _ in rows], np.int32),
        center=(origin + np.einsum("pij,pj->pi", turn, offset)).astype(np.float32),
        half=np.array([p.half for _, p, _ in rows], np.float32).reshape(-1, 3),
        rotation=(turn @ local).astype(np.float32),
        instance=np.array([thing.instance for thing, _, _ in rows], np.int32),
        texture=np.array([m.texture for m in materials], np.int32),
        color=np.array([m.color for m in materials], np.float32).reshape(-1, 3),
        second=np.array([m.second for m in materials], np.float32).reshape(-1, 3),
        scale=np.array([m.scale for m in materials], np.float32),
        emission=np.array([m.emission for m in materials], np.float32),
        seed=np.array(
            [(thing.seed * 7919 + 104729 * number) % 2**32 for thing, _, number in rows], np.uint32
        ),
    )


def _rotations(yaw: NDArray[np.float64], pitch: NDArray[np.float64]) -> NDArray[np.float64]:
    """`Primitive.rotation` of many, `[P, 3, 3]`."""
    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    zero = np.zeros_like(yaw)
    rows = [[cy, -sy * cp, sy * sp], [sy, cy * cp, -cy * sp], [zero, sp, cp]]
    return np.stack([np.stack(row, -1) for row in rows], -2)
