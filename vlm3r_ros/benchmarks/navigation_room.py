"""A room as it truly is: what walkers and their plans are judged by."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from vlm3r_ros.benchmarks.navigation_floor import distances_from, path_clearance, true_floor
from vlm3r_ros.worlds.boxes import FloatArray, OrientedBox
from vlm3r_ros.worlds.world import World

BODY_RADIUS = 0.2
"""Metres: a walker that comes nearer to a wall or a solid has run into it."""

SUCCESS_DISTANCE = 1.0
"""Metres from the target's box at which a walker has to stop."""

_ROOM_TO_START = 0.23  # m around a walker at the start


class TrueRoom:
    """Knows where things are and what a body would run into.

    Args:
        world: the room.

    Raises:
        SceneError: it has no floor.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._floor = true_floor(world, BODY_RADIUS)

    def start_near(self, place: ArrayLike) -> FloatArray:
        """Where a walker can begin, nearest to a place `[2]`."""
        roomy = true_floor(self._world, _ROOM_TO_START).nearest(place)
        return np.array(place, float) if roomy is None else roomy

    def boxes(self, name: str) -> list[OrientedBox]:
        """Of all objects of a category."""
        return [item.box for item in self._world.objects if item.category == name]

    def away(self, place: ArrayLike, name: str) -> float:
        """Metres on the floor from a place `[2]` to the nearest box of a category."""
        return min(
            float(box.distance([*np.asarray(place, float), box.centroid[2]]))
            for box in self.boxes(name)
        )

    def shortest_way(self, place: ArrayLike, name: str) -> float:
        """Metres from a place to the nearest one that succeeds; infinite if there is none."""
        floor = self._floor
        ways = distances_from(floor, place)
        rows, columns = np.nonzero(np.isfinite(ways))
        if not len(rows):
            return math.inf
        places = floor.origin + floor.cell * np.stack([columns, rows], -1)
        near = np.zeros(len(places), bool)
        for box in self.boxes(name):
            heights = np.full((len(places), 1), box.centroid[2])
            near |= box.distance(np.hstack([places, heights])) <= SUCCESS_DISTANCE
        return float(ways[rows, columns][near].min()) if near.any() else math.inf

    def clearance(self, path: ArrayLike) -> float:
        """Metres from a way `[K, 2]` to the nearest wall or solid."""
        return path_clearance(self._floor, path)

    def runs_into(self, start: ArrayLike, end: ArrayLike) -> bool:
        """Whether somebody who walks straight on touches something."""
        return self.clearance(np.array([start, end], float)) < BODY_RADIUS

    def detour(self, path: FloatArray) -> float:
        """Length of a way `[K, 2]` over that of the shortest between its ends; NaN without one."""
        start, goal = self._floor.nearest(path[0]), self._floor.nearest(path[-1])
        if start is None or goal is None:
            return math.nan
        best = self._floor.shortest_path(start, goal)
        shortest = 0.0 if best is None else _length(best)
        return _length(path) / shortest if shortest > 0 else math.nan


def _length(path: FloatArray) -> float:
    return float(np.linalg.norm(np.diff(path, axis=0), axis=1).sum())
