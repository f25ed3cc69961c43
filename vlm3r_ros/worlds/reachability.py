"""Whether a person or robot gets from the door to everything, on a coarse grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from vlm3r_ros.worlds.floor_plans import Bounds, HousePlan
from vlm3r_ros.worlds.footprints import Footprint
from vlm3r_ros.worlds.items import Item

BODY_RADIUS = 0.25  # m
BODY_HEIGHT = 1.2  # m: what hangs higher than this is in nobody's way
NEAR = 0.4  # m: a thing is reached where the body comes as near as this to its footprint
_CELL = 0.1  # m
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
    low = np.min([room.bounds[:2] for room in plan.rooms], axis=0)
    high = np.max([room.bounds[2:] for room in plan.rooms], axis=0)
    count_x, count_y = np.ceil((high - low) / _CELL).astype(int) + 2
    # One cell of wall all around, so that distances to walls are known everywhere.
    x = low[0] + (np.arange(count_x) - 0.5) * _CELL
    y = low[1] + (np.arange(count_y) - 0.5) * _CELL
    rooms = [_inside(room.bounds, x, y) for room in plan.rooms]
    for mask, room in zip(rooms, plan.rooms, strict=True):
        if room.notch:
            mask &= ~_inside(room.notch, x, y)
    floor = np.logical_or.reduce([*rooms, *(_inside(bounds, x, y) for bounds in plan.passages)])

    standing = [item for item in items if item.z < BODY_HEIGHT and item.base is None]
    open_floor = floor.copy()
    surroundings = []
    for item in standing:
        window, distance = _distance(item.solid, x, y)
        open_floor[window] &= distance > 0
        surroundings.append((window, distance <= BODY_RADIUS + NEAR))
    # Half a cell, because a blocked cell's near side is that much nearer than its middle.
    free = ndimage.distance_transform_edt(open_floor) * _CELL - _CELL / 2 >= BODY_RADIUS
    labels, count = ndimage.label(free)

    common = np.ones(count + 1, bool)
    common[0] = False
    for item, (window, near) in zip(standing, surroundings, strict=True):
        if item.category == "door":
            at_door = np.zeros(count + 1, bool)
            at_door[labels[window][near]] = True
            common &= at_door
    reached = common[labels]
    missed = tuple(
        item
        for item, (window, near) in zip(standing, surroundings, strict=True)
        if item.z == 0 and not (reached[window] & near).any()
    )
    whole = all(
        (room & free & ~reached).sum() <= _MOST_CUT_OFF * (room & free).sum()
        and (room & reached).any()
        for room in rooms
    )
    return Access(missed, whole)


def clear_the_way(plan: HousePlan, items: Sequence[Item]) -> list[Item] | None:
    """Take out what bars the way from the doors, and what cannot be reached.

    Args:
        plan: walls.
        items: everything in them; at least one is a door.

    Returns:
        What is left; None where that does not open the way.
    """
    kept = list(items)
    for _ in range(_MOST_REMOVED):
        found = access(plan, kept)
        if found.is_complete:
            return kept
        drop = found.missed[-1] if found.missed else _obstacle(plan, kept)
        if drop is None or drop.category == "door":
            return None
        kept = _without(kept, drop)
    return None


def _obstacle(plan: HousePlan, items: Sequence[Item]) -> Item | None:
    """The last thing placed whose removal opens the way to every room."""
    for item in reversed(items):
        stands = item.base is None and item.z == 0 and item.category != "door"
        if stands and access(plan, _without(items, item)).whole:
            return item
    return None


def _without(items: Sequence[Item], dropped: Item) -> list[Item]:
    return [item for item in items if item is not dropped and item.base is not dropped]


def _inside(bounds: Bounds, x: NDArray[np.float64], y: NDArray[np.float64]) -> Mask:
    x0, y0, x1, y1 = bounds
    return ((y > y0) & (y < y1))[:, None] & ((x > x0) & (x < x1))[None]


def _distance(
    solid: Footprint, x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[tuple[slice, slice], NDArray[np.float64]]:
    """Distance in metres from the cells near a footprint to it, 0 inside, and which those are."""
    margin = BODY_RADIUS + NEAR + _CELL
    first_x, last_x = np.searchsorted(
        x, (solid.x - solid.reach_x - margin, solid.x + solid.reach_x + margin)
    )
    first_y, last_y = np.searchsorted(
        y, (solid.y - solid.reach_y - margin, solid.y + solid.reach_y + margin)
    )
    dx = x[None, first_x:last_x] - solid.x
    dy = y[first_y:last_y, None] - solid.y
    out_x = np.abs(solid.cos * dx + solid.sin * dy) - solid.half_x
    out_y = np.abs(solid.cos * dy - solid.sin * dx) - solid.half_y
    window = (slice(first_y, last_y), slice(first_x, last_x))
    return window, np.hypot(np.maximum(out_x, 0), np.maximum(out_y, 0))
