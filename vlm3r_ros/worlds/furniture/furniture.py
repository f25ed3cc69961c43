"""A piece of furniture: what it is made of and how it may be used by the placement.

Own frame: metres, origin on the floor at the middle of the footprint, z up. The front is local -y
(where a sofa is sat on, a cabinet opened, a screen read); the back, local +y, goes to the wall.
Things that hang on a wall or stand on others have their origin at their lowest point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from math import cos, hypot, inf, sin

from vlm3r_ros.worlds.primitives import Primitive, Shape

Vector = tuple[float, float, float]


class Mount(Enum):
    """What holds a thing."""

    FLOOR = auto()
    SURFACE = auto()
    """Stands or lies on another thing."""
    WALL = auto()
    """Hangs on a wall, or is set into it."""
    CEILING = auto()


@dataclass(frozen=True)
class Surface:
    """A level rectangle of a thing on which others can stand, in the thing's own frame.

    Attributes:
        low, high: corners `(x, y)`, metres.
        height: above the thing's origin, metres.
    """

    low: tuple[float, float]
    high: tuple[float, float]
    height: float


@dataclass(frozen=True, eq=False)
class Furniture:
    """A thing, not yet placed.

    Attributes:
        category: what it is called.
        primitives: its solids, own frame.
        low, high: tight bounds of the solids, own frame, metres; symmetric in x and y, and from 0
            in z.
        surfaces: where other things can stand.
        front: how much floor before it must stay free so that it can be used, metres.
    """

    category: str
    primitives: tuple[Primitive, ...]
    low: Vector
    high: Vector
    surfaces: tuple[Surface, ...] = ()
    front: float = 0.0

    @classmethod
    def of(
        cls,
        category: str,
        primitives: Sequence[Primitive],
        *,
        surfaces: Sequence[Surface] = (),
        front: float = 0.0,
    ) -> Furniture:
        """Bring the origin to the middle of the footprint and the lowest point to z = 0."""
        low, high = bounds(primitives)
        dx, dy, dz = (low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]
        return cls(
            category,
            tuple(shifted(primitive, -dx, -dy, -dz) for primitive in primitives),
            (low[0] - dx, low[1] - dy, 0.0),
            (high[0] - dx, high[1] - dy, high[2] - dz),
            tuple(
                Surface(
                    (s.low[0] - dx, s.low[1] - dy),
                    (s.high[0] - dx, s.high[1] - dy),
                    s.height - dz,
                )
                for s in surfaces
            ),
            front,
        )

    @property
    def size(self) -> Vector:
        """Width (x), depth (y) and height (z), metres."""
        return (2 * self.high[0], 2 * self.high[1], self.high[2])


def shifted(primitive: Primitive, dx: float, dy: float, dz: float) -> Primitive:
    """The same solid elsewhere."""
    x, y, z = primitive.center
    return Primitive(
        primitive.shape,
        (x + dx, y + dy, z + dz),
        primitive.half,
        primitive.material,
        primitive.yaw,
        primitive.pitch,
    )


def reach(primitive: Primitive) -> Vector:
    """Exact half extents of a solid along its parent's axes, metres."""
    a, b, c = primitive.half
    if primitive.yaw == 0 and primitive.pitch == 0:
        return primitive.half
    cy, sy = cos(primitive.yaw), sin(primitive.yaw)
    cp, sp = cos(primitive.pitch), sin(primitive.pitch)
    x1, x2, x3 = cy * a, sy * cp * b, sy * sp * c
    y1, y2, y3 = sy * a, cy * cp * b, cy * sp * c
    z2, z3 = sp * b, cp * c
    if primitive.shape is Shape.BOX:
        return (abs(x1) + abs(x2) + abs(x3), abs(y1) + abs(y2) + abs(y3), abs(z2) + abs(z3))
    if primitive.shape is Shape.CYLINDER:
        return (hypot(x1, x2) + abs(x3), hypot(y1, y2) + abs(y3), abs(z2) + abs(z3))
    return (hypot(x1, x2, x3), hypot(y1, y2, y3), hypot(z2, z3))


def bounds(primitives: Sequence[Primitive]) -> tuple[Vector, Vector]:
    """Lowest and highest corner of the tight axis-aligned box around solids, parent's frame."""
    low_x = low_y = low_z = inf
    high_x = high_y = high_z = -inf
    for primitive in primitives:
        x, y, z = primitive.center
        rx, ry, rz = reach(primitive)
        low_x, high_x = min(low_x, x - rx), max(high_x, x + rx)
        low_y, high_y = min(low_y, y - ry), max(high_y, y + ry)
        low_z, high_z = min(low_z, z - rz), max(high_z, z + rz)
    return (low_x, low_y, low_z), (high_x, high_y, high_z)
