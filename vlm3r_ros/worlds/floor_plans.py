"""Where the walls are: rectangular rooms, L-shaped rooms, and two rooms with a passage.

All walls run along the world's x or y axis. Metres; the lowest corner of the plan is the origin.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from math import atan2
from random import Random

import numpy as np

from vlm3r_ros.worlds.scene import FloorPlan

Point = tuple[float, float]
Bounds = tuple[float, float, float, float]
"""`(x0, y0, x1, y1)`."""

SHORTEST_SIDE = 2.5
LONGEST_SIDE = 9.0
_NARROWEST_ARM = 1.9  # m: of an L-shaped room
_WALL_BETWEEN = 0.16  # m: thickness of the wall between two rooms
PASSAGE_HEIGHTS = (2.0, 2.2)


class Layout(Enum):
    """How many rooms, of which form."""

    RECTANGLE = "rectangle"
    L_SHAPE = "L"
    TWO_ROOMS = "two rooms"


@dataclass(frozen=True)
class Opening:
    """A hole in a wall.

    Attributes:
        start, end: along the wall from its start, metres.
        bottom, top: above the floor, metres.
    """

    start: float
    end: float
    bottom: float
    top: float


@dataclass(frozen=True)
class Wall:
    """A straight wall, seen from its room, which lies to the left of `start -> end`.

    Attributes:
        start, end: of its inner face.
        extends: how far it goes on past its start and past its end to close the corner, metres:
            by the next wall's thickness; not at all where the room's corner points inward.
        thickness: away from the room, metres.
        passages: holes that lead to another room.
    """

    start: Point
    end: Point
    extends: tuple[float, float]
    thickness: float
    passages: tuple[Opening, ...] = ()

    @cached_property
    def length(self) -> float:
        """Metres."""
        return abs(self.end[0] - self.start[0]) + abs(self.end[1] - self.start[1])

    @cached_property
    def direction(self) -> Point:
        """Unit vector from start to end."""
        return (
            (self.end[0] - self.start[0]) / self.length,
            (self.end[1] - self.start[1]) / self.length,
        )

    @cached_property
    def normal(self) -> Point:
        """Unit vector into the room."""
        dx, dy = self.direction
        return (-dy, dx)

    @cached_property
    def facing(self) -> float:
        """Yaw of a thing whose back is to the wall: its local -y points into the room, rad."""
        nx, ny = self.normal
        return atan2(nx, -ny)

    def at(self, along: float, inward: float) -> Point:
        """The place `along` metres from the start and `inward` from the wall's face."""
        (dx, dy), (nx, ny) = self.direction, self.normal
        return (
            self.start[0] + along * dx + inward * nx,
            self.start[1] + along * dy + inward * ny,
        )

    def locate(self, x: float, y: float) -> Point:
        """How far along the wall and how far from its face a place is: the reverse of `at`."""
        (dx, dy), (nx, ny) = self.direction, self.normal
        x, y = x - self.start[0], y - self.start[1]
        return x * dx + y * dy, x * nx + y * ny


@dataclass(frozen=True)
class Room:
    """One room.

    Attributes:
        outline: corners of its floor, counter-clockwise.
        bounds: the rectangle around it.
        notch: the corner of `bounds` that is no part of an L-shaped room; None in others.
        walls: in the order of the outline.
    """

    outline: tuple[Point, ...]
    bounds: Bounds
    notch: Bounds | None
    walls: tuple[Wall, ...]

    @property
    def area(self) -> float:
        """Of the floor, square metres."""
        x0, y0, x1, y1 = self.bounds
        area = (x1 - x0) * (y1 - y0)
        if self.notch:
            x0, y0, x1, y1 = self.notch
            area -= (x1 - x0) * (y1 - y0)
        return area


@dataclass(frozen=True)
class HousePlan:
    """All rooms of a world.

    Attributes:
        rooms: one or two.
        passages: rectangles through the walls between them.
        height: of the ceiling, metres.
    """

    rooms: tuple[Room, ...]
    passages: tuple[Bounds, ...]
    height: float

    def floor_plan(self) -> FloorPlan:
        """The same for the schema of worlds."""
        return FloorPlan(
            tuple(np.array(room.outline) for room in self.rooms),
            tuple(np.array(_rectangle(bounds)) for bounds in self.passages),
        )


def draw_plan(random: Random, layout: Layout, sides: tuple[Bounds, ...]) -> HousePlan:
    """A floor plan.

    Args:
        random: draws sizes.
        layout: its form.
        sides: for each room the shortest and longest width and depth, `(w0, d0, w1, d1)`.
    """
    height = random.uniform(2.3, 3.0)
    sizes = [
        (_side(random, low_w, high_w), _side(random, low_d, high_d))
        for low_w, low_d, high_w, high_d in sides
    ]
    thickness = random.uniform(0.16, 0.26)
    if layout is Layout.TWO_ROOMS:
        return _two_rooms(random, sizes[0], sizes[1], height, thickness)
    width, depth = sizes[0]
    notch = _notch(random, width, depth) if layout is Layout.L_SHAPE else None
    return HousePlan((_room((0.0, 0.0, width, depth), notch, thickness),), (), height)


def _side(random: Random, low: float, high: float) -> float:
    low, high = max(low, SHORTEST_SIDE), min(high, LONGEST_SIDE)
    return random.triangular(low, high, low + 0.3 * (high - low))


def _notch(random: Random, width: float, depth: float) -> Bounds | None:
    """A corner to cut off; None where the arms would get too narrow."""
    if min(width, depth) < _NARROWEST_ARM + 0.8:
        return None
    wide = random.uniform(0.8, min(width - _NARROWEST_ARM, 0.55 * width))
    deep = random.uniform(0.8, min(depth - _NARROWEST_ARM, 0.55 * depth))
    left, low = random.random() < 0.5, random.random() < 0.5
    x0, x1 = (0.0, wide) if left else (width - wide, width)
    y0, y1 = (0.0, deep) if low else (depth - deep, depth)
    return (x0, y0, x1, y1)


def _rectangle(bounds: Bounds) -> list[Point]:
    x0, y0, x1, y1 = bounds
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def _outline(bounds: Bounds, notch: Bounds | None) -> list[Point]:
    """Corners counter-clockwise; the corner that the notch takes becomes three."""
    corners = _rectangle(bounds)
    if notch is None:
        return corners
    cut = _rectangle(notch)
    taken = next(k for k in range(4) if corners[k] == cut[k])
    # Going round the notch clockwise, from the corner before the one taken.
    inner = [cut[(taken - 1) % 4], cut[(taken + 2) % 4], cut[(taken + 1) % 4]]
    return corners[:taken] + inner + corners[taken + 1 :]


def _room(
    bounds: Bounds,
    notch: Bounds | None,
    thickness: float,
    passages: dict[int, tuple[Opening, float]] | None = None,
) -> Room:
    """A room; `passages` gives, by number of the wall, a hole and that wall's thickness."""
    outline = _outline(bounds, notch)
    count = len(outline)
    holes = passages or {}
    thick = [holes[k][1] if k in holes else thickness for k in range(count)]
    convex = [_turn(outline[k - 1], outline[k], outline[(k + 1) % count]) > 0 for k in range(count)]
    walls = []
    for k in range(count):
        after = (k + 1) % count
        extends = (
            thick[k - 1] if convex[k] else 0.0,
            thick[after] if convex[after] else 0.0,
        )
        hole = (holes[k][0],) if k in holes else ()
        walls.append(Wall(outline[k], outline[after], extends, thick[k], hole))
    return Room(tuple(outline), bounds, notch, tuple(walls))


def _turn(before: Point, corner: Point, after: Point) -> float:
    return (corner[0] - before[0]) * (after[1] - corner[1]) - (corner[1] - before[1]) * (
        after[0] - corner[0]
    )


def _two_rooms(
    random: Random, first: Point, second: Point, height: float, thickness: float
) -> HousePlan:
    """The second room to the right of the first or behind it, with a passage between them."""
    sideways = random.random() < 0.5
    across = 1 if sideways else 0  # the axis along the wall between them
    shared = min(first[across], second[across])
    width = random.choice((random.uniform(0.85, 1.1), random.uniform(1.3, 2.0)))
    width = min(width, shared - 0.5)
    slack = abs(first[across] - second[across])
    shift = random.uniform(0, slack) * (1 if first[across] > second[across] else -1)
    # Where both rooms are, along the wall between them.
    low = max(0.0, shift)
    start = random.uniform(low + 0.2, low + shared - width - 0.2)
    top = random.uniform(*PASSAGE_HEIGHTS)
    half = _WALL_BETWEEN / 2
    gap = first[1 - across] + _WALL_BETWEEN
    origins = [[0.0, 0.0], [0.0, 0.0]]
    origins[1][1 - across] = gap
    origins[1][across] = shift
    lowest = min(0.0, shift)
    for origin in origins:
        origin[across] -= lowest
    start -= lowest
    bounds = [
        (origin[0], origin[1], origin[0] + size[0], origin[1] + size[1])
        for origin, size in zip(origins, (first, second), strict=True)
    ]
    # The first room's right wall is its wall 1 and its back wall 2; the second's that meet them
    # are 3 and 0. Walls 2 and 3 run against their axis.
    numbers = (1, 3) if sideways else (2, 0)
    rooms = []
    for box, number in zip(bounds, numbers, strict=True):
        begin, end = box[across], box[across + 2]
        along = (start - begin) if number in (0, 1) else (end - start - width)
        hole = Opening(along, along + width, 0.0, top)
        rooms.append(_room(box, None, thickness, {number: (hole, half)}))
    passage = [0.0] * 4
    passage[across], passage[across + 2] = start, start + width
    passage[1 - across], passage[3 - across] = first[1 - across], gap
    return HousePlan(tuple(rooms), ((passage[0], passage[1], passage[2], passage[3]),), height)
