"""Whether a person or robot gets from the door to everything, on a coarse grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from vlm3r_ros.worlds.floor_plans import Bounds, HousePlan, Room
from vlm3r_ros.worlds.footprints import Footprint
from vlm3r_ros.worlds.items import Item

BODY_RADIUS = 0.25  # m
BODY_HEIGHT = 1.2  # m: what hangs higher than this is in nobody's way
NEAR = 0.4  # m: a thing is reached where the body comes as near as this to its footprint
_CELL = 0.1  # m
_ALONG_AXES = 1e-9  # sine or cosine of a yaw by quarter turns
_MOST_REMOVED = 8  # things, before a room is given up
_MOST_CUT_OFF = 0.15  # share of a room's free floor that may lie in pockets

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Access:
    """What the way from the door leads to.

    Attributes:
        missed: things on the floor that it does not lead to.
        whole: whether it leads to every room and every door.
    """

    missed: tuple[Item, ...]
    whole: bool

    @property
    def is_complete(self) -> bool:
        """Whether it leads everywhere."""
        return self.whole and not self.missed


def access(plan: HousePlan, items: Sequence[Item]) -> Access:
    """Follow the ways of a body of `BODY_RADIUS` from the doors.

    Args:
        plan: walls.
        items: everything in them; at least one is a door.
    """
    return _Ways(plan, items).access(items)


def clear_the_way(plan: HousePlan, items: Sequence[Item]) -> list[Item] | None:
    """Take out what bars the way from the doors, and what cannot be reached.

    Args:
        plan: walls.
        items: everything in them; at least one is a door.

    Returns:
        What is left; None where that does not open the way.
    """
    ways = _Ways(plan, items)
    kept = list(items)
    for _ in range(_MOST_REMOVED):
        found = ways.access(kept)
        if found.is_complete:
            return kept
        drop = found.missed[-1] if found.missed else _obstacle(ways, kept)
        if drop is None or drop.category == "door":
            return None
        kept = _without(kept, drop)
    return None


def _obstacle(ways: _Ways, items: Sequence[Item]) -> Item | None:
    """The last thing placed whose removal opens the way to every room."""
    for item in reversed(items):
        stands = item.base is None and item.z == 0 and item.category != "door"
        if stands and ways.access(_without(items, item)).whole:
            return item
    return None


def _without(items: Sequence[Item], dropped: Item) -> list[Item]:
    return [item for item in items if item is not dropped and item.base is not dropped]


class _Ways:
    """What of a floor each thing takes up: found once, however many of them are taken out."""

    def __init__(self, plan: HousePlan, items: Sequence[Item]) -> None:
        low = np.min([room.bounds[:2] for room in plan.rooms], axis=0)
        high = np.max([room.bounds[2:] for room in plan.rooms], axis=0)
        count_x, count_y = np.ceil((high - low) / _CELL).astype(int)
        x = low[0] + (np.arange(count_x) + 0.5) * _CELL
        y = low[1] + (np.arange(count_y) + 0.5) * _CELL
        self.rooms = [_inside(room.bounds, x, y) for room in plan.rooms]
        passages = [_inside(bounds, x, y) for bounds in plan.passages]
        self.floor = np.logical_or.reduce([*self.rooms, *passages])
        for solid in (piece for room in plan.rooms for piece in _walls(room)):
            window, squared = _distance(solid, x, y)
            self.floor[window] &= squared >= BODY_RADIUS**2
        self.around = {
            item: _distance(item.solid, x, y)
            for item in items
            if item.z < BODY_HEIGHT and item.base is None
        }

    def access(self, items: Sequence[Item]) -> Access:
        """What the way from the door leads to while just `items` are there."""
        around = {item: self.around[item] for item in items if item in self.around}
        free = self.floor.copy()
        for window, squared in around.values():
            free[window] &= squared >= BODY_RADIUS**2
        labels, count = ndimage.label(free)
        near = {
            item: labels[window][squared <= (BODY_RADIUS + NEAR) ** 2]
            for item, (window, squared) in around.items()
        }
        common = np.ones(count + 1, bool)
        common[0] = False
        for item, found in near.items():
            if item.category == "door":
                at_door = np.zeros(count + 1, bool)
                at_door[found] = True
                common &= at_door
        reached = common[labels]
        whole = True
        for room in self.rooms:
            room_free, room_reached = (room & free).sum(), (room & reached).sum()
            whole &= room_reached > 0 and room_reached >= (1 - _MOST_CUT_OFF) * room_free
        missed = (item for item, found in near.items() if not common[found].any())
        return Access(tuple(item for item in missed if item.z == 0), bool(whole))


def _inside(bounds: Bounds, x: NDArray[np.float64], y: NDArray[np.float64]) -> Mask:
    x0, y0, x1, y1 = bounds
    return ((y > y0) & (y < y1))[:, None] & ((x > x0) & (x < x1))[None]


def _walls(room: Room) -> list[Footprint]:
    """What is solid around a room's floor, apart from passages."""
    solids = [Footprint.upright(room.notch, 0.0, BODY_HEIGHT)] if room.notch else []
    for wall in room.walls:
        ends = [
            0.0,
            *(end for hole in wall.passages for end in (hole.start, hole.end)),
            wall.length,
        ]
        for start, end in zip(ends[::2], ends[1::2], strict=True):
            (x0, y0), (x1, y1) = wall.at(start, -wall.thickness), wall.at(end, 0.0)
            bounds = (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
            solids.append(Footprint.upright(bounds, 0.0, BODY_HEIGHT))
    return solids


def _distance(
    solid: Footprint, x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[tuple[slice, slice], NDArray[np.float64]]:
    """Squared distance from the cells near a footprint to it, 0 inside, and which those are."""
    margin = BODY_RADIUS + NEAR + _CELL
    first_x, last_x = np.searchsorted(
        x, (solid.x - solid.reach_x - margin, solid.x + solid.reach_x + margin)
    )
    first_y, last_y = np.searchsorted(
        y, (solid.y - solid.reach_y - margin, solid.y + solid.reach_y + margin)
    )
    dx = x[None, first_x:last_x] - solid.x
    dy = y[first_y:last_y, None] - solid.y
    if min(abs(solid.cos), abs(solid.sin)) < _ALONG_AXES:
        out_x, out_y = np.abs(dx) - solid.reach_x, np.abs(dy) - solid.reach_y
    else:
        out_x = np.abs(solid.cos * dx + solid.sin * dy) - solid.half_x
        out_y = np.abs(solid.cos * dy - solid.sin * dx) - solid.half_y
    window = (slice(first_y, last_y), slice(first_x, last_x))
    return window, np.maximum(out_x, 0) ** 2 + np.maximum(out_y, 0) ** 2
