"""Whether a person or robot gets from the door to everything, on a coarse grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from vlm3r_ros.worlds.floor_plans import Bounds, HousePlan
from vlm3r_ros.worlds.placement import Item

BODY_RADIUS = 0.25  # m
BODY_HEIGHT = 1.2  # m: what hangs higher than this is in nobody's way
NEAR = 0.4  # m: a thing is reached where the body comes as near as this to its footprint
_CELL = 0.1  # m
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
    to_item = _distances(standing, x, y)
    open_floor = floor & ~(to_item <= 0).any(0)
    # Half a cell, because a blocked cell's near side is that much nearer than its middle.
    free = ndimage.distance_transform_edt(open_floor) * _CELL - _CELL / 2 >= BODY_RADIUS
    labels, _ = ndimage.label(free)

    near_item = (to_item <= BODY_RADIUS + NEAR) & free
    doors = [k for k, item in enumerate(standing) if item.category == "door"]
    at_door = [set(np.unique(labels[near_item[k]])) for k in doors]
    common = set.intersection(*at_door) if at_door else set()
    if not common:
        return Access((), whole=False)
    reached = np.isin(labels, list(common))
    whole = all(
        (room & free & ~reached).sum() <= _MOST_CUT_OFF * max((room & free).sum(), 1)
        and (room & reached).any()
        for room in rooms
    )
    met = (near_item & reached).any((1, 2))
    return Access(tuple(item for item, ok in zip(standing, met, strict=True) if not ok), whole)


def _inside(bounds: Bounds, x: NDArray[np.float64], y: NDArray[np.float64]) -> Mask:
    x0, y0, x1, y1 = bounds
    return ((y > y0) & (y < y1))[:, None] & ((x > x0) & (x < x1))[None]


def _distances(
    items: Sequence[Item], x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Distance in metres from cells to footprints, `[N, Y, X]`; at most 0 inside."""
    solids = [item.solid for item in items]
    places = np.array([[s.x, s.y, s.half_x, s.half_y, s.cos, s.sin] for s in solids], np.float32)
    mx, my, half_x, half_y, cos, sin = places.T[:, :, None, None]
    dx = x.astype(np.float32)[None, None, :] - mx
    dy = y.astype(np.float32)[None, :, None] - my
    out_x = np.abs(cos * dx + sin * dy) - half_x
    out_y = np.abs(cos * dy - sin * dx) - half_y
    return np.hypot(np.maximum(out_x, 0), np.maximum(out_y, 0))
