"""Upright boxes as seen from above, and whether they meet: in plain Python, for few at a time."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, sin

from vlm3r_ros.worlds.floor_plans import Bounds

_TOUCHING = 1e-6  # m: boxes that share a face do not meet


@dataclass(frozen=True, slots=True)
class Footprint:
    """A turned rectangle with a height range.

    Attributes:
        x, y: its middle, metres.
        half_x, half_y: half sides along its own axes, metres.
        cos, sin: of its yaw.
        bottom, top: height range, metres.
        reach_x, reach_y: half sides of the axis-aligned rectangle around it, metres.
    """

    x: float
    y: float
    half_x: float
    half_y: float
    cos: float
    sin: float
    bottom: float
    top: float
    reach_x: float
    reach_y: float

    @classmethod
    def of(
        cls,
        x: float,
        y: float,
        half_x: float,
        half_y: float,
        yaw: float,
        bottom: float,
        top: float,
    ) -> Footprint:
        """From middle, half sides, yaw and height range."""
        c, s = cos(yaw), sin(yaw)
        return cls(
            x,
            y,
            half_x,
            half_y,
            c,
            s,
            bottom,
            top,
            abs(c) * half_x + abs(s) * half_y,
            abs(s) * half_x + abs(c) * half_y,
        )

    @classmethod
    def upright(cls, bounds: Bounds, bottom: float, top: float) -> Footprint:
        """From an axis-aligned rectangle."""
        x0, y0, x1, y1 = bounds
        half_x, half_y = (x1 - x0) / 2, (y1 - y0) / 2
        return cls(
            (x0 + x1) / 2, (y0 + y1) / 2, half_x, half_y, 1.0, 0.0, bottom, top, half_x, half_y
        )

    def meets(self, other: Footprint) -> bool:
        """Whether the two boxes share more than their surfaces (separating axes)."""
        dx, dy = other.x - self.x, other.y - self.y
        if (
            self.bottom >= other.top - _TOUCHING
            or other.bottom >= self.top - _TOUCHING
            or abs(dx) >= self.reach_x + other.reach_x - _TOUCHING
            or abs(dy) >= self.reach_y + other.reach_y - _TOUCHING
        ):
            return False
        # The other's axes seen from this one: turn by their difference.
        c = abs(self.cos * other.cos + self.sin * other.sin)
        s = abs(self.cos * other.sin - self.sin * other.cos)
        along = abs(self.cos * dx + self.sin * dy)
        across = abs(self.cos * dy - self.sin * dx)
        if (
            along >= self.half_x + c * other.half_x + s * other.half_y - _TOUCHING
            or across >= self.half_y + s * other.half_x + c * other.half_y - _TOUCHING
        ):
            return False
        along = abs(other.cos * dx + other.sin * dy)
        across = abs(other.cos * dy - other.sin * dx)
        return not (
            along >= other.half_x + c * self.half_x + s * self.half_y - _TOUCHING
            or across >= other.half_y + s * self.half_x + c * self.half_y - _TOUCHING
        )
