"""Things in their places."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import cos, sin

from vlm3r_ros.worlds.boxes import OrientedBox
from vlm3r_ros.worlds.footprints import Footprint
from vlm3r_ros.worlds.furniture.furniture import Furniture


@dataclass(frozen=True, eq=False)
class Item:
    """A thing in its place.

    Attributes:
        furniture: the thing.
        x, y, z: where its origin is, world frame, metres.
        yaw: its x axis from the world's, rad.
        base: what it stands on; None on the floor, on a wall or under the ceiling.
        solid: what it takes up.
    """

    furniture: Furniture
    x: float
    y: float
    z: float
    yaw: float
    base: Item | None = None
    solid: Footprint = field(init=False, repr=False)

    def __post_init__(self) -> None:
        half_x, half_y, height = self.furniture.high
        solid = Footprint.of(self.x, self.y, half_x, half_y, self.yaw, self.z, self.z + height)
        object.__setattr__(self, "solid", solid)

    @property
    def category(self) -> str:
        """What it is called."""
        return self.furniture.category

    def box(self) -> OrientedBox:
        """Its tight box."""
        size = self.furniture.size
        return OrientedBox.upright((self.x, self.y, self.z + size[2] / 2), size, self.yaw)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """The world's x and y of a place in its own frame."""
        c, s = cos(self.yaw), sin(self.yaw)
        return self.x + c * x - s * y, self.y + s * x + c * y
